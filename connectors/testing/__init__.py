"""What tests of connectors are made of: the contract with its laws, doubles that break it, and a hostile one."""

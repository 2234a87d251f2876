"""What local servers that imitate a system are made of, whichever it is: settings, faults, and a socket."""

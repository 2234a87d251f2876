-- The value store: sealed blocks, and an index that says in which block a record's value lies.

-- A set of values that are dropped together.
create table if not exists owner (
  owner_id integer primary key,
  purpose text not null,
  run_id text not null,
  object text not null,
  unique (purpose, run_id, object)
) strict;

-- Values of one owner, sealed together. key_id: the fingerprint of the data key.
create table if not exists block (
  block_id integer primary key,
  owner_id integer not null,
  key_id text not null,
  sealed blob not null
) strict;
create index if not exists block_by_owner on block (owner_id);

-- The newest value of a record, by its place in the block.
create table if not exists entry (
  owner_id integer not null,
  our_key text not null,
  block_id integer not null,
  position integer not null,
  primary key (owner_id, our_key)
) strict, without rowid;

-- The ledger of one environment of one project. Version 4.

create table meta (
  name text primary key,
  value text not null
) strict, without rowid;

-- Which systems this ledger was written against, as they identified themselves (DESIGN §4, the org is pinned).
create table system (
  role text primary key check (role in ('source', 'target') or role like 'source _%'),   -- `source NAME` of several
  kind text not null,
  id text not null,
  name text not null,
  production integer
) strict, without rowid;

-- Who may write, and what the operator asks for from another terminal. One row.
create table control (
  id integer primary key check (id = 1),
  epoch integer not null,        -- of the latest process that took the ledger over; an older one's writes are refused
  paused_at text,                -- since when runs are to stand still; null: they go on
  pace real check (pace > 0 and pace <= 1)   -- share of the allowed pace, as asked for; null: as the project says
) strict;
insert into control values (1, 0, null, null);

-- What happened, in order. Each row is chained to all before it, so that a lost or altered one is noticed.
create table event (
  id integer primary key,
  at text not null,
  epoch integer not null,
  run integer,
  what text not null,
  told text not null,            -- JSON: names, numbers, digests
  chain blob not null            -- SHA-256 of the chain before and of this row
) strict;
create trigger event_unchanged before update on event
begin
  select raise(abort, 'an event is never changed');
end;
create trigger event_kept before delete on event
begin
  select raise(abort, 'an event is never taken out');
end;

create table run (
  id integer primary key,
  verb text not null,
  state text not null check (state in ('open', 'finished', 'stopped', 'interrupted', 'paused', 'failed')),
  started text not null,
  ended text,
  mapping_digest text not null,
  selection text not null default '',   -- digest of --keys / --sample; empty for a full run
  source_time text not null,            -- the source's own clock before the first page: the first sync's cursor
  undoes integer references run (id),
  report text
) strict;

-- Who is, or was, at work here: the processes of a run with several workers.
create table worker (
  id integer primary key,
  epoch integer not null,        -- of the coordinator whose run it works for
  role text not null check (role = 'coordinator' or role = 'worker'),
  name text not null,            -- host and process
  began text not null,
  seen text not null,            -- when it was last heard of
  ended text                     -- when it left, or was declared dead
) strict;

-- The calls of all processes to one system: what each of them has under way, and what still counts for a rate or for
-- the day (connectors/pace/account.py). A row has a lock of its own: no call waits for a writer of the ledger.
create table calls (
  system text primary key,
  told text not null             -- JSON: numbers, times, names of interfaces; empty before the first call
) strict, without rowid;

-- Planned changes that one worker sends as a whole. Its bytes are sealed by whoever puts them here.
create table partition (
  id integer primary key,
  epoch integer not null,        -- of the coordinator that cut it; under a later one it is void
  run integer not null references run (id),
  mapping text not null,
  object text not null,
  source_object text,
  fieldset integer,
  changes integer not null,
  content blob,                  -- null once the coordinator has collected what came of it
  state text not null default 'open' check (state in ('open', 'leased', 'done')),
  fence integer not null default 0,   -- grows with every lease: who holds an older one writes nothing more
  worker integer references worker (id),
  lease_until text,              -- by the store's clock; after it another worker may lease it
  words blob,                    -- what the worker brought back besides the outcomes; sealed too
  calls integer not null default 0    -- that its worker made for it
) strict;
create index partition_waits on partition (epoch, id) where state <> 'done';

create trigger partition_fence before update of fence on partition
when new.fence < old.fence
begin
  select raise(abort, 'a fence never goes down');
end;

create trigger partition_done before update of state on partition
when old.state = 'done' and new.state <> 'done'
begin
  select raise(abort, 'a partition that is done stays done');
end;

create trigger partition_content before update of content on partition
when new.content is not null and new.content is not old.content
begin
  select raise(abort, 'a partition holds what was put into it, or nothing');
end;

create trigger partition_words before update of words on partition
when old.state = 'done' and new.words is not null and new.words is not old.words
begin
  select raise(abort, 'what a partition brought back is never changed');
end;

-- How far a run is with one mapping. The cursor moves only when every record before it is settled or parked.
create table progress (
  run integer not null references run (id),
  mapping text not null,
  cursor text,
  done integer not null default 0,
  counts text not null default '{}',    -- JSON: read, the buckets, adopted
  pieces text not null default '[]',    -- JSON: the staged rows that still wait, by the names of their pieces
  digest text not null,                 -- of the rest: a bit that was flipped here would lose records
  primary key (run, mapping)
) strict, without rowid;

-- Which target field each digest of a record belongs to, and under which meaning of the mapping they were made.
create table fieldset (
  id integer primary key,
  object text not null,
  mapping text not null,
  mapping_digest text not null,
  fields text not null,
  unique (object, mapping, mapping_digest, fields)
) strict;

-- One row a target record. `sent` and `back`: 8 bytes a field of the fieldset, keyed digests as sent and as read back;
-- `back` is empty, not null, where these are the same.
create table record (
  object text not null,
  our_key text not null,
  target_key text,
  state text not null,           -- live, pending, held, rejected, conflicted, gone
  mapping text not null,
  fieldset integer,
  sent blob,
  back blob,
  code text,          -- why it is held, rejected or conflicted
  waits_for text,     -- our key of the parent it is held for
  why text,           -- digest of our key, code and waits_for, where there is a code
  adopted integer not null default 0,   -- the run that found it in the target and made it ours; 0: we created it
  run integer not null,          -- the last run that settled or parked it
  bucket text not null,          -- what that run counted it as
  source_object text,            -- the other half of the crosswalk: what the record is made of
  source_key text,
  batch integer,                 -- of its latest operation that was settled
  primary key (object, our_key)
) strict, without rowid;
create unique index record_target on record (object, target_key) where target_key is not null;
create index record_parked on record (object, state) where state <> 'live';

-- What a record that is put together from several source records is made of, each in its role. Of all others `record`
-- knows the only one.
create table contribution (
  object text not null,
  our_key text not null,
  role text not null,            -- the contributor's name in the mapping
  source_object text not null,
  source_key text not null,
  primary key (object, our_key, role)
) strict, without rowid;
create index contribution_source on contribution (source_object, source_key);

create table batch (
  id integer primary key,
  run integer not null references run (id),
  object text not null,
  source_object text,            -- what its records are made of; null where the ledger knows that already
  sent_at text not null,
  not_after text not null,       -- the send deadline, by the store's clock: earlier than this plus the target's maximum nothing is probed
  settled_at text,
  partition integer              -- that it is a part of; null where the coordinator sent it by itself
) strict;
create index batch_partition on batch (partition) where partition is not null;

-- One attempt to change one target record. It ends once and stays ended.
create table operation (
  batch integer not null,
  object text not null,
  our_key text not null,
  kind text not null,            -- create, update, delete, adopt, release; prove: a call of a proof
  state text not null,           -- held by the triggers below: a list here would double an insert's cost
  target_key text,
  fieldset integer,
  sent blob,                     -- digests of what is being written; 8 bytes a field of the fieldset
  written blob,                  -- a byte a field: 1 where this operation writes it
  bucket text not null,          -- what the record counts as once this is done; of a proof's call: which one
  code text,
  field text,                    -- the target field at fault, where the target named one
  source_key text,
  primary key (batch, our_key)
) strict, without rowid;
create unique index operation_open on operation (object, our_key) where state in ('planned', 'intent', 'unknown');

-- The only ways an operation may go (DESIGN §6.2). The trigger below refuses every other edge.
create table edge (
  here text not null,
  there text not null,
  primary key (here, there)
) strict, without rowid;
insert into edge values
  ('planned', 'intent'), ('planned', 'skipped'),
  ('intent', 'acked'), ('intent', 'rejected'), ('intent', 'not_sent'), ('intent', 'unknown'), ('intent', 'conflict'),
  ('unknown', 'acked'), ('unknown', 'not_sent'), ('unknown', 'conflict'),
  ('acked', 'verified'), ('acked', 'diverged');

create trigger operation_edge before update of state on operation
when old.state <> new.state and not exists (select 1 from edge where here = old.state and there = new.state)
begin
  select raise(abort, 'illegal transition of an operation');
end;

create trigger operation_start before insert on operation
when new.state not in ('planned', 'intent')
begin
  select raise(abort, 'an operation starts planned or with its intent');
end;

-- What was tried once on the first record that we created of each target object, and what came of it (DESIGN §6.7).
create table proof (
  object text not null,
  what text not null,            -- record (the whole proof), effects, twice, or an ordeal
  our_key text not null,         -- of the record it is tried on
  state text not null check (state in ('begun', 'over')),
  result text,                   -- what came of it, once it is over
  told text not null default '{}',      -- JSON: names, keys and numbers
  run integer not null,
  at text not null,
  digest text,                   -- of the effects as they were found
  accepted text,                 -- the digest of the effects that somebody accepted
  accepted_at text,
  primary key (object, what)
) strict, without rowid;

-- Which of our records holds a value that must be unique on the target. Digests, never values.
create table claim (
  object text not null,
  field text not null,
  our_key text not null,
  digest integer not null,
  primary key (object, field, our_key)
) strict, without rowid;
create index claim_digest on claim (digest);

-- What a run noticed. Params hold names, numbers and keys; the offending values lie in the value store.
create table finding (
  id integer primary key,
  run integer not null references run (id),
  mapping text,
  object text,
  key text,
  field text,
  code text not null,
  severity text not null,
  params text not null,
  file text,
  line integer,
  digest text not null          -- of the rest
) strict;
create index finding_record on finding (object, key);
create index finding_run on finding (run, code);

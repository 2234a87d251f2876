-- The approval system: who asks for what, and which contracts were agreed.

CREATE TABLE staff (
  login      VARCHAR(20) NOT NULL PRIMARY KEY,
  mail       VARCHAR(80),
  reports_to VARCHAR(20)
);

CREATE TABLE contract (
  id          INTEGER NOT NULL PRIMARY KEY,
  contract_no VARCHAR(20) NOT NULL,
  cust_no     VARCHAR(20) NOT NULL,
  title       VARCHAR(80) NOT NULL,
  discount    DECIMAL(5, 4),
  stage       VARCHAR(10) NOT NULL,
  state       VARCHAR(10) NOT NULL,
  team        VARCHAR(100)
);
CREATE INDEX contract_by_number ON contract (contract_no);

CREATE TABLE request (
  request_no VARCHAR(20) NOT NULL PRIMARY KEY,
  cust_no    VARCHAR(20) NOT NULL,
  title      VARCHAR(80) NOT NULL,
  asked_by   VARCHAR(20),
  asked_on   DATE,
  questions  TEXT,
  state      VARCHAR(10) NOT NULL
);

CREATE TABLE reply (
  id         INTEGER NOT NULL PRIMARY KEY,
  request_no VARCHAR(20) NOT NULL,
  kind       VARCHAR(10) NOT NULL,
  body       TEXT NOT NULL
);
CREATE INDEX reply_by_request ON reply (request_no);

-- The office: who approved and sealed what on paper, and remarks on requests.

CREATE TABLE approval (
  form_id     VARCHAR(20) NOT NULL PRIMARY KEY,
  contract_no VARCHAR(30),
  approved_on DATE,
  remark      VARCHAR(200)
);

CREATE TABLE remark (
  id         INTEGER NOT NULL PRIMARY KEY,
  request_no VARCHAR(20),
  written_on DATE,
  author     VARCHAR(20),
  body       TEXT
);
CREATE INDEX remark_by_request ON remark (request_no);

CREATE TABLE seal_log (
  id      INTEGER NOT NULL PRIMARY KEY,
  form_id VARCHAR(20),
  sealed  DATE
);

-- 新系统：标准 CRM，类型、长度、取值、唯一和引用都由数据库约束。
-- The new CRM: types, lengths, choices, uniqueness and references are enforced.

CREATE TABLE sys_user (
  user_id   VARCHAR(12) NOT NULL PRIMARY KEY,
  full_name VARCHAR(40) NOT NULL,
  mail      VARCHAR(100) NOT NULL,
  mobile    VARCHAR(20),
  status    VARCHAR(10) NOT NULL CHECK (status IN ('active', 'inactive')),
  CONSTRAINT sys_user_mail_once UNIQUE (mail)
);

CREATE TABLE customer (
  id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  customer_no     VARCHAR(20),
  name            VARCHAR(100) NOT NULL,
  tax_no          VARCHAR(18),
  parent_id       INTEGER REFERENCES customer (id),
  kind            VARCHAR(20) NOT NULL CHECK (kind IN ('enterprise', 'school', 'government', 'hospital')),
  level           VARCHAR(1) NOT NULL CHECK (level IN ('A', 'B', 'C', 'D')),
  city            VARCHAR(20) NOT NULL,
  postal_code     VARCHAR(6),
  department_code VARCHAR(4),
  employees       INTEGER,
  phone           VARCHAR(30),
  address         VARCHAR(200),
  opened_on       DATE,
  is_key_account  BOOLEAN NOT NULL DEFAULT 0,
  owner_id        VARCHAR(12) REFERENCES sys_user (user_id),
  remark          TEXT,
  created_at      DATETIME NOT NULL,
  modified_at     DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  modified_by     VARCHAR(20) NOT NULL DEFAULT 'changeover',
  CONSTRAINT customer_no_once UNIQUE (customer_no),
  CONSTRAINT customer_tax_no_once UNIQUE (tax_no)
);
CREATE INDEX customer_name ON customer (name, city);
CREATE INDEX customer_parent ON customer (parent_id);

CREATE TABLE contact (
  id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  customer_id INTEGER NOT NULL REFERENCES customer (id),
  full_name   VARCHAR(50) NOT NULL,
  gender      VARCHAR(1) NOT NULL CHECK (gender IN ('M', 'F', 'U')),
  job_title   VARCHAR(40),
  mobile      VARCHAR(20),
  email       VARCHAR(100),
  birthday    DATE,
  is_primary  BOOLEAN NOT NULL,
  created_at  DATETIME NOT NULL,
  modified_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  modified_by VARCHAR(20) NOT NULL DEFAULT 'changeover'
);
CREATE INDEX contact_customer ON contact (customer_id);

CREATE TABLE opportunity (
  opportunity_no VARCHAR(20) NOT NULL PRIMARY KEY,
  customer_id    INTEGER NOT NULL REFERENCES customer (id),
  contact_id     INTEGER REFERENCES contact (id),
  name           VARCHAR(120) NOT NULL,
  stage          VARCHAR(20) NOT NULL
                 CHECK (stage IN ('lead', 'qualified', 'proposal', 'negotiation', 'won', 'lost')),
  amount         DECIMAL(18, 2),
  expected_on    DATE,
  headcount      INTEGER,
  channel        VARCHAR(20) NOT NULL CHECK (channel IN ('referral', 'exhibition', 'phone', 'web', 'other')),
  owner_id       VARCHAR(12) REFERENCES sys_user (user_id),
  created_at     DATETIME NOT NULL,
  modified_at    DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  modified_by    VARCHAR(20) NOT NULL DEFAULT 'changeover'
);
CREATE INDEX opportunity_customer ON opportunity (customer_id);
CREATE INDEX opportunity_contact ON opportunity (contact_id);

CREATE TABLE contract (
  id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  contract_no    VARCHAR(30) NOT NULL,
  customer_id    INTEGER NOT NULL REFERENCES customer (id),
  opportunity_no VARCHAR(20) REFERENCES opportunity (opportunity_no),
  title          VARCHAR(120) NOT NULL,
  amount         DECIMAL(18, 2) NOT NULL,
  signed_on      DATE NOT NULL,
  starts_on      DATE,
  ends_on        DATE,
  status         VARCHAR(20) NOT NULL CHECK (status IN ('draft', 'active', 'finished', 'terminated')),
  payment_terms  VARCHAR(60),
  auto_renew     BOOLEAN NOT NULL,
  owner_id       VARCHAR(12) REFERENCES sys_user (user_id),
  created_at     DATETIME NOT NULL,
  modified_at    DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  modified_by    VARCHAR(20) NOT NULL DEFAULT 'changeover',
  CONSTRAINT contract_no_once UNIQUE (contract_no)
);
CREATE INDEX contract_customer ON contract (customer_id);
CREATE INDEX contract_opportunity ON contract (opportunity_no);

CREATE TABLE activity (
  id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  customer_id    INTEGER NOT NULL REFERENCES customer (id),
  opportunity_no VARCHAR(20) REFERENCES opportunity (opportunity_no),
  contact_id     INTEGER REFERENCES contact (id),
  kind           VARCHAR(20) NOT NULL CHECK (kind IN ('call', 'visit', 'wechat', 'email')),
  subject        VARCHAR(200) NOT NULL,
  body           TEXT,
  happened_at    DATETIME NOT NULL,
  minutes        INTEGER,
  owner_id       VARCHAR(12) REFERENCES sys_user (user_id),
  created_at     DATETIME NOT NULL,
  modified_at    DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  modified_by    VARCHAR(20) NOT NULL DEFAULT 'changeover'
);
CREATE INDEX activity_customer ON activity (customer_id);
CREATE INDEX activity_opportunity ON activity (opportunity_no);
CREATE INDEX activity_contact ON activity (contact_id);

CREATE TABLE statement (
  statement_no       VARCHAR(30) NOT NULL PRIMARY KEY,
  contract_id        INTEGER NOT NULL REFERENCES contract (id),
  customer_id        INTEGER NOT NULL REFERENCES customer (id),
  fiscal_year        VARCHAR(4) NOT NULL,
  fiscal_month       INTEGER NOT NULL,
  amount_due         DECIMAL(18, 2) NOT NULL,
  amount_received    DECIMAL(18, 2) NOT NULL,
  amount_written_off DECIMAL(18, 2) NOT NULL,
  status             VARCHAR(20) NOT NULL CHECK (status IN ('settled', 'partial', 'open')),
  invoiced_on        DATE,
  remark             TEXT,
  created_at         DATETIME NOT NULL,
  modified_at        DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  modified_by        VARCHAR(20) NOT NULL DEFAULT 'changeover'
);
CREATE INDEX statement_contract ON statement (contract_id);
CREATE INDEX statement_customer ON statement (customer_id);

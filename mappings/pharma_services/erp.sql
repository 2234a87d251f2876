-- The ERP: customers, and the order slips by which contracts are executed.

CREATE TABLE customer (
  cust_no VARCHAR(20) NOT NULL PRIMARY KEY,
  name    VARCHAR(80) NOT NULL,
  tax_no  VARCHAR(20),
  city    VARCHAR(20),
  sales   VARCHAR(20)
);

CREATE TABLE order_slip (
  slip_no     VARCHAR(20) NOT NULL PRIMARY KEY,
  contract_no VARCHAR(20),
  discount    DECIMAL(7, 6),
  amount      DECIMAL(14, 2) NOT NULL,
  void        INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX slip_by_contract ON order_slip (contract_no);

CREATE TABLE slip_line (
  id          INTEGER NOT NULL PRIMARY KEY,
  contract_no VARCHAR(20) NOT NULL,
  service     VARCHAR(40) NOT NULL,
  amount      DECIMAL(14, 2) NOT NULL
);

-- 旧系统：自建 CRM。引用靠编号，数据库不做任何约束。
-- The old CRM, built in-house: references by code, nothing enforced by the database.

CREATE TABLE t_staff (
  gh    VARCHAR(5) NOT NULL PRIMARY KEY,  -- 工号
  xm    VARCHAR(20) NOT NULL,             -- 姓名
  yx    VARCHAR(60),                      -- 邮箱
  sj    VARCHAR(20),                      -- 手机
  bmbh  VARCHAR(4),                       -- 部门编号
  zt    VARCHAR(4)                        -- 状态：在职、离职
);

CREATE TABLE t_customer (
  khbh   VARCHAR(12) NOT NULL PRIMARY KEY,  -- 客户编号
  khmc   VARCHAR(120) NOT NULL,             -- 客户名称
  nsrsbh VARCHAR(20),                       -- 纳税人识别号
  sjkh   VARCHAR(12),                       -- 上级客户
  khlx   VARCHAR(10) NOT NULL,              -- 客户类型
  khjb   VARCHAR(4) NOT NULL,               -- 客户级别
  ssqy   VARCHAR(20) NOT NULL,              -- 所属区域
  yzbm   VARCHAR(6),                        -- 邮政编码
  bmbh   VARCHAR(4),                        -- 归属部门编号
  zgrs   INTEGER,                           -- 职工人数
  lxdh   VARCHAR(30),                       -- 联系电话
  dz     VARCHAR(200),                      -- 地址
  jdrq   DATE,                              -- 建档日期
  sfvip  VARCHAR(2),                        -- 是否重点客户
  sfcs   SMALLINT NOT NULL,                 -- 是否测试
  ywy    VARCHAR(5),                        -- 业务员工号
  bz     TEXT,                              -- 备注
  tbbz   SMALLINT,                          -- 同步标志
  cjsj   DATETIME NOT NULL,                 -- 创建时间
  xgsj   DATETIME                           -- 修改时间
);

CREATE TABLE t_contact (
  lxrid  INTEGER NOT NULL PRIMARY KEY,  -- 联系人号
  khbh   VARCHAR(12) NOT NULL,          -- 客户编号
  xm     VARCHAR(40) NOT NULL,          -- 姓名
  xb     VARCHAR(4),                    -- 性别
  zw     VARCHAR(40),                   -- 职务
  sj     VARCHAR(30),                   -- 手机
  yx     VARCHAR(100),                  -- 邮箱
  csrq   DATE,                          -- 出生日期
  sfzlxr VARCHAR(2) NOT NULL,           -- 是否主联系人
  cjsj   DATETIME NOT NULL,
  xgsj   DATETIME
);

CREATE TABLE t_sjjh (
  sjbh   VARCHAR(16) NOT NULL PRIMARY KEY,  -- 商机编号
  khbh   VARCHAR(12) NOT NULL,              -- 客户编号
  lxrid  INTEGER,                           -- 联系人号
  sjmc   VARCHAR(120) NOT NULL,             -- 商机名称
  jd     VARCHAR(20) NOT NULL,              -- 阶段
  yjje   DECIMAL(18,2),                     -- 预计金额（元）
  yjqyrq DATE,                              -- 预计签约日期
  tjrs   INTEGER,                           -- 体检人数
  ly     VARCHAR(20),                       -- 来源
  ywy    VARCHAR(5),                        -- 业务员工号
  cjsj   DATETIME NOT NULL,
  xgsj   DATETIME
);

CREATE TABLE t_contract (
  htbh   VARCHAR(20) NOT NULL PRIMARY KEY,  -- 合同编号
  khbh   VARCHAR(12) NOT NULL,              -- 客户编号
  sjbh   VARCHAR(16),                       -- 商机编号
  htmc   VARCHAR(120) NOT NULL,             -- 合同名称
  htje   DECIMAL(18,2) NOT NULL,            -- 合同金额（元）
  qdrq   DATE NOT NULL,                     -- 签订日期
  ksrq   DATE,                              -- 服务开始日期
  jsrq   DATE,                              -- 服务结束日期
  zt     VARCHAR(10) NOT NULL,              -- 状态
  fkfs   VARCHAR(40),                       -- 付款方式
  zdxq   SMALLINT NOT NULL,                 -- 是否自动续签
  ywy    VARCHAR(5),                        -- 业务员工号
  cjsj   DATETIME NOT NULL,
  xgsj   DATETIME
);

CREATE TABLE t_activity (
  hdid   INTEGER NOT NULL PRIMARY KEY,  -- 活动号
  khbh   VARCHAR(12) NOT NULL,          -- 客户编号
  sjbh   VARCHAR(16),                   -- 商机编号
  lxrid  INTEGER,                       -- 联系人号
  lx     VARCHAR(10) NOT NULL,          -- 类型
  zt     VARCHAR(200) NOT NULL,         -- 主题
  nr     TEXT,                          -- 内容
  hdsj   DATETIME NOT NULL,             -- 活动时间
  sc     INTEGER,                       -- 时长（分钟）
  gjr    VARCHAR(5),                    -- 跟进人工号
  lrsj   DATETIME NOT NULL              -- 录入时间（云端接口写入，UTC）
);

CREATE TABLE t_statement (
  dzdh   VARCHAR(20) NOT NULL PRIMARY KEY,  -- 对账单号
  htbh   VARCHAR(20) NOT NULL,              -- 合同编号
  khbh   VARCHAR(12) NOT NULL,              -- 客户编号
  nd     VARCHAR(4) NOT NULL,               -- 年度
  yf     VARCHAR(2) NOT NULL,               -- 月份
  ysje   DECIMAL(18,2) NOT NULL,            -- 应收金额（元）
  ssje   DECIMAL(18,2) NOT NULL,            -- 实收金额（元）
  hxje   DECIMAL(18,2) NOT NULL,            -- 核销金额（元）
  zt     VARCHAR(10) NOT NULL,              -- 状态
  kprq   DATE,                              -- 开票日期
  bz     TEXT,                              -- 备注
  cjsj   DATETIME NOT NULL
);

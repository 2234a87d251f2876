-- 新系统已有的客户 / the customers that the new CRM holds already. Times are wall clock times of Asia/Shanghai.
SELECT
  id,
  printf('6655e400000000000%07x', id),
  json_object(
    '_id', printf('6655e400000000000%07x', id),
    'name', name,
    'account_no', customer_no,
    'tax_no__c', tax_no,
    'account_type', kind,
    'account_level', level,
    'city__c', city,
    'postal_code__c', postal_code,
    'department_code__c', department_code,
    'employees__c', CAST(employees AS TEXT),
    'tel', phone,
    'address', address,
    'opened_on__c', (strftime('%s', opened_on) - 28800) * 1000,
    'is_key__c', json(iif(is_key_account, 'true', 'false')),
    'owner', json_array(substr(owner_id, 2)),
    'remark', remark,
    'create_time', (strftime('%s', created_at) - 28800) * 1000,
    'created_by', json_array(substr(owner_id, 2)),
    'last_modified_time', (strftime('%s', modified_at) - 28800) * 1000,
    'last_modified_by', json_array(substr(modified_by, 2))
  )
FROM customer

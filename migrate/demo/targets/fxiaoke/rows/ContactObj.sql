-- 新系统自己的联系人 / contacts of the new CRM's own. Times are wall clock times of Asia/Shanghai.
SELECT
  contact.id,
  printf('6655e401000000000%07x', contact.id),
  json_object(
    '_id', printf('6655e401000000000%07x', contact.id),
    'name', full_name,
    'account_id', printf('6655e400000000000%07x', customer_id),
    'gender__c', gender,
    'mobile1', mobile,
    'is_primary__c', json(iif(is_primary, 'true', 'false')),
    'owner', json_array(substr(customer.owner_id, 2)),
    'create_time', (strftime('%s', contact.created_at) - 28800) * 1000,
    'created_by', json_array(substr(contact.modified_by, 2)),
    'last_modified_time', (strftime('%s', contact.modified_at) - 28800) * 1000,
    'last_modified_by', json_array(substr(contact.modified_by, 2))
  )
FROM contact
JOIN customer ON customer.id = contact.customer_id

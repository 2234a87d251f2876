-- 新系统的员工 / the employees of the new CRM: (its key here, its key there, the row as a query answers it)
SELECT
  user_id,
  substr(user_id, 2),
  json_object(
    '_id', substr(user_id, 2),
    'user_id', substr(user_id, 2),
    'name', full_name,
    'full_name', full_name,
    'email', mail,
    'phone', mobile,
    'status', iif(status = 'active', '0', '1'),
    'main_department', json_array('1001')
  )
FROM sys_user

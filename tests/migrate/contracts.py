"""The mapping that puts contracts together from the three systems of `three`."""

CONTRACT = """
mapping: contract
assemble:
  key: contract_no
  contributors:
    agreed: {from: approval.contract, where: {state: {equals: valid}}}
    executed: {from: erp.order_slip, key: slip_contract, where: {void: {equals: 0}}}
    office: {from: oa.approval, key: form_no, transform: trim}
  required: [agreed]
  fields:
    discount: {prefer: [executed, agreed], from: {agreed: disc, executed: slip_disc}}
    signed: {prefer: [office, agreed], from: {office: signed_at, agreed: signed_on}, differ: ignore}
to: contract
fields:
  contract_no: contract_no
  title: agreed.title
  customer_id: {from: agreed.cust_no, reference: customer}
  discount: discount
  agreed: agreed.disc
  amount: executed.amount
  signed_on: signed
  on_paper: office
  remark: office.remark
drop:
  agreed.id: not used
  executed.id: not used
  office.form_id: not used
"""

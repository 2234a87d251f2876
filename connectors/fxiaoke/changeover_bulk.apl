/**
 * Changeover: many rows in one call, each of them done or refused by itself.
 *
 * Kind: 自定义控制器 (custom controller), bound to no object. API name: changeover_bulk__c, or what the option `bulk`
 * says. One parameter: request, Map. It is called with
 *   object   API name of the object
 *   action   about | create | update
 *   key      the field by whose value a row is known in the answer
 *   flags    as of a single call of the OpenAPI
 *   rows     500 of a create, 250 of an update at most
 * and returns results, one for each row of which it is known what became of it: key, success, id or message.
 * A row that is not in the answer may be done or not; whoever called looks for it.
 *
 * Of Fx.object a function has 300 calls, so it ends with 280. A row of a create is tried with all, then with 24 others,
 * then alone; what was done in a step that was refused is refused as a duplicate in the next, since the key is unique.
 */
Map asked = request as Map
String action = asked["action"] as String
List results = []

if (action == "about") {
    return ["function": "changeover_bulk", "version": 1, "results": results]
} else {
    log.info("changeover_bulk: " + action)
}

String object = asked["object"] as String
String key = asked["key"] as String
Map flags = asked["flags"] as Map
List rows = asked["rows"] as List
Integer calls = 0
Integer most = 280

if (action == "create") {
    CreateAttribute attribute = CreateAttribute.builder()
        .triggerWorkflow(flags["triggerWorkFlow"] as Boolean)
        .triggerApprovalFlow(flags["triggerApprovalFlow"] as Boolean)
        .duplicateSearch(flags["checkDuplicateSearch"] as Boolean)
        .skipFunctionAction(flags["skipFuncValidate"] as Boolean)
        .specifyTime(flags["hasSpecifyTime"] as Boolean)
        .designatedCreatedBy(flags["hasSpecifyCreatedBy"] as Boolean)
        .build()
    List pieces = [rows]
    [25, 1].each { size ->
        List refused = []
        pieces.each { piece ->
            List some = piece as List
            if (calls < most) {
                calls = calls + 1
                def (Boolean error, List made, String message) = Fx.object.batchCreate(object, some, attribute)
                if (!error) {
                    made.each { each ->
                        Map row = each as Map
                        results.add(["key": row[key], "success": true, "id": row["_id"]])
                    }
                } else {
                    log.info("changeover_bulk: " + message)
                    refused.addAll(some.collate(size as Integer))
                }
            } else {
                log.info("changeover_bulk: no calls left")
            }
        }
        pieces = refused
    }
    pieces.each { piece ->
        Map row = (piece as List)[0] as Map
        if (calls < most) {
            calls = calls + 1
            def (Boolean error, Map made, String message) = Fx.object.create(object, row, [:], attribute)
            if (error) {
                results.add(["key": row[key], "success": false, "message": message])
            } else {
                results.add(["key": row[key], "success": true, "id": made["_id"]])
            }
        } else {
            log.info("changeover_bulk: no calls left")
        }
    }
} else {
    UpdateAttribute attribute = UpdateAttribute.builder()
        .triggerWorkflow(flags["triggerWorkFlow"] as Boolean)
        .modifiedBySelf(true)
        .build()
    rows.each { each ->
        Map row = each as Map
        String id = row["_id"] as String
        Map fields = row.findAll { name, value -> name != "_id" } as Map
        if (calls < most) {
            calls = calls + 1
            def (Boolean error, Map changed, String message) = Fx.object.update(object, id, fields, attribute)
            results.add(["key": id, "success": !error, "message": error ? message : ""])
        } else {
            log.info("changeover_bulk: no calls left")
        }
    }
}
return ["results": results]

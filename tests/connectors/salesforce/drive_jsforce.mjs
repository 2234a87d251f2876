// Drives the simulator by jsforce; what came of it is written as JSON.
import { readFileSync } from "node:fs";
import jsforce from "jsforce";

const told = JSON.parse(readFileSync(0, "utf8"));
const { url } = told;
const oauth2 = { loginUrl: url, clientId: told.client_id, clientSecret: told.client_secret };
const byApp = new jsforce.Connection({ instanceUrl: url, oauth2, version: "62.0" });
await byApp.authorize({ grant_type: "client_credentials" });
const bySoap = new jsforce.Connection({ loginUrl: url, version: "62.0" });
await bySoap.login(told.username, told.password + told.security_token);
const conn = byApp;

const made = await conn.sobject("Lead").create(
  ["J1", "J2", "K"].map((LastName) => ({ LastName, Company: "x" })),
);
const refused = await conn.sobject("Lead").create([{ LastName: "y" }]);
const upserted = [];
for (const Name of ["a", "b"]) {
  const done = await conn.sobject("Account").upsert({ Name, Tax_Number__c: "J-1" }, "Tax_Number__c");
  upserted.push(done.created === true);
}
const found = await conn.query("SELECT Id, LastName FROM Lead ORDER BY LastName");
const retrieved = await conn.sobject("Lead").retrieve(made.slice(0, 2).map((each) => each.id));
const updated = await conn.sobject("Lead").update({ Id: made[0].id, Company: "z" });
const described = await conn.sobject("Lead").describe();

conn.bulk2.pollInterval = 10;
conn.bulk2.pollTimeout = 60000;
const rows = Array.from({ length: 25 }, (_, at) => ({ LastName: `B${at}`, Company: "bulk" }));
const loaded = await conn.bulk2.loadAndWaitForResults({
  object: "Lead",
  operation: "insert",
  input: [...rows, { LastName: "", Company: "bulk" }],
  pollTimeout: 60000,
  pollInterval: 10,
});
const stream = await conn.bulk2.query("SELECT Id, LastName FROM Lead", { pollTimeout: 60000, pollInterval: 10 });
const queried = await stream.toArray();
const ids = queried.filter((each) => each.LastName.startsWith("B")).map((each) => each.Id);
const deleted = await conn.sobject("Lead").delete(ids);
const left = await conn.query("SELECT COUNT() FROM Lead");
const converted = await bySoap.soap.convertLead({
  leadId: made[1].id,
  convertedStatus: "Qualified",
  opportunityName: "J",
});
const deal = await conn.sobject("Opportunity").retrieve(converted.opportunityId);

console.log(
  JSON.stringify({
    oauth: Boolean(byApp.accessToken),
    soap: Boolean(bySoap.accessToken),
    created: made.filter((each) => each.success).length,
    refused: refused.flatMap((each) => each.errors.map((error) => error.statusCode)),
    upserted,
    found: found.records.map((each) => each.LastName),
    retrieved: retrieved.map((each) => each.LastName),
    updated: updated.success,
    described: described.name,
    loaded: [loaded.successfulResults.length, loaded.failedResults.length],
    queried: queried.length,
    deleted: deleted.filter((each) => each.success).length,
    left: left.totalSize,
    converted: [converted.success, deal.Name, deal.AccountId === converted.accountId],
  }),
);

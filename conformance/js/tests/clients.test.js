// Each service through the AWS SDK for JavaScript v3: what its serializers send and its parsers accept.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { CloudTrailClient, LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import {
  CloudWatchClient,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
  PutMetricDataCommand,
} from "@aws-sdk/client-cloudwatch";
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  GetQueryResultsCommand,
  PutLogEventsCommand,
  StartQueryCommand,
  paginateDescribeLogGroups,
} from "@aws-sdk/client-cloudwatch-logs";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import {
  BatchGetTracesCommand,
  GetSamplingRulesCommand,
  GetTraceSummariesCommand,
  PutTraceSegmentsCommand,
  XRayClient,
} from "@aws-sdk/client-xray";

import { startServer } from "./server.js";

let server;
let endpoint;
let accounts = 200_000_000_001;

before(async () => {
  server = await startServer();
  endpoint = server.endpoint;
});

after(() => server.stop());

/** A fresh account: a 12-digit access key nobody used before (spec/protocols.md 9.3). */
function account() {
  const id = String(accounts++);
  const options = { endpoint, region: "us-east-1", credentials: { accessKeyId: id, secretAccessKey: "any" } };
  return { id, client: (Client) => new Client(options) };
}

/** The first truthy answer of `ask`, within 20 s. */
async function until(ask) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    assert.ok(Date.now() < deadline, "not within 20 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("sts names the account of the key", async () => {
  const { id, client } = account();
  const identity = await client(STSClient).send(new GetCallerIdentityCommand({}));
  assert.equal(identity.Account, id);
  assert.equal(identity.Arn, `arn:aws:iam::${id}:root`);
});

test("logs are written, read, filtered and queried", async () => {
  const logs = account().client(CloudWatchLogsClient);
  const now = Date.now();
  const stream = { logGroupName: "/js", logStreamName: "s" };
  await logs.send(new CreateLogGroupCommand({ logGroupName: "/js" }));
  await logs.send(new CreateLogStreamCommand(stream));
  const logEvents = [10, 40].map((ms, i) => ({ timestamp: now + i, message: JSON.stringify({ ms, s: "é" }) }));
  await logs.send(new PutLogEventsCommand({ ...stream, logEvents }));

  const page = await logs.send(new GetLogEventsCommand({ ...stream, startFromHead: true }));
  assert.deepEqual(page.events.map((e) => e.message), logEvents.map((e) => e.message));
  const found = await logs.send(new FilterLogEventsCommand({ logGroupName: "/js", filterPattern: "40" }));
  assert.equal(found.events.length, 1);

  const groups = [];
  for await (const list of paginateDescribeLogGroups({ client: logs }, {})) groups.push(...list.logGroups);
  assert.deepEqual(groups.map((g) => g.logGroupName), ["/js"]);

  const seconds = Math.floor(now / 1000);
  const { queryId } = await logs.send(
    new StartQueryCommand({
      logGroupName: "/js",
      startTime: seconds - 60,
      endTime: seconds + 60,
      queryString: "stats sum(ms) as total",
    }),
  );
  const answer = await until(async () => {
    const results = await logs.send(new GetQueryResultsCommand({ queryId }));
    return results.status === "Complete" && results;
  });
  assert.deepEqual(answer.results, [[{ field: "total", value: "50" }]]);
});

test("an error is the exception its model names", async () => {
  const logs = account().client(CloudWatchLogsClient);
  await assert.rejects(logs.send(new DeleteLogGroupCommand({ logGroupName: "none" })), {
    name: "ResourceNotFoundException",
    message: "The specified log group does not exist.",
  });
  const cloudwatch = account().client(CloudWatchClient);
  const both = { MetricName: "m", Value: 1, Values: [1] };
  // The Query code reaches SDKs through x-amzn-query-error: spec/protocols.md 8.1.
  await assert.rejects(cloudwatch.send(new PutMetricDataCommand({ Namespace: "App", MetricData: [both] })), {
    name: /^InvalidParameterCombination/,
  });
});

test("metrics are put, listed and read", async () => {
  const cloudwatch = account().client(CloudWatchClient);
  const minute = new Date((Math.floor(Date.now() / 60_000) - 5) * 60_000);
  const end = new Date(minute.getTime() + 60_000);
  const MetricData = [{ MetricName: "Hits", Timestamp: minute, Values: [1, 2], Counts: [3, 1], Unit: "Count" }];
  await cloudwatch.send(new PutMetricDataCommand({ Namespace: "App", MetricData }));

  const listed = await cloudwatch.send(new ListMetricsCommand({ Namespace: "App" }));
  assert.deepEqual(listed.Metrics.map((m) => m.MetricName), ["Hits"]);

  const metric = { Namespace: "App", MetricName: "Hits" };
  const statistics = await cloudwatch.send(
    new GetMetricStatisticsCommand({ ...metric, StartTime: minute, EndTime: end, Period: 60, Statistics: ["Sum"] }),
  );
  assert.deepEqual(statistics.Datapoints, [{ Timestamp: minute, Sum: 5, Unit: "Count" }]);

  const data = await cloudwatch.send(
    new GetMetricDataCommand({
      StartTime: minute,
      EndTime: end,
      MetricDataQueries: [{ Id: "a", MetricStat: { Metric: metric, Period: 60, Stat: "SampleCount" } }],
    }),
  );
  assert.deepEqual(data.MetricDataResults[0].Values, [4]);
  assert.deepEqual(data.MetricDataResults[0].Timestamps, [minute]);
});

test("traces are put and found", async () => {
  const xray = account().client(XRayClient);
  const now = Date.now() / 1000 - 5;
  const trace = `1-${Math.floor(now).toString(16)}-a006649127e371903a2de979`;
  const document = { name: "web", id: "70de5b6f19ff9a0a", trace_id: trace, start_time: now, end_time: now + 0.5 };
  const put = await xray.send(new PutTraceSegmentsCommand({ TraceSegmentDocuments: [JSON.stringify(document)] }));
  assert.deepEqual(put.UnprocessedTraceSegments, []);

  const { Traces } = await xray.send(new BatchGetTracesCommand({ TraceIds: [trace] }));
  assert.equal(JSON.parse(Traces[0].Segments[0].Document).name, "web");
  const summaries = await xray.send(
    new GetTraceSummariesCommand({
      StartTime: new Date((now - 60) * 1000),
      EndTime: new Date((now + 60) * 1000),
      FilterExpression: 'service("web")',
    }),
  );
  assert.deepEqual(summaries.TraceSummaries.map((s) => s.Id), [trace]);
  const rules = await xray.send(new GetSamplingRulesCommand({}));
  assert.equal(rules.SamplingRuleRecords[0].SamplingRule.RuleName, "Default");
});

test("calls are found in the audit trail", async () => {
  const { id, client } = account();
  await client(CloudWatchLogsClient).send(new CreateLogGroupCommand({ logGroupName: "audited" }));
  const LookupAttributes = [{ AttributeKey: "EventName", AttributeValue: "CreateLogGroup" }];
  const { Events } = await client(CloudTrailClient).send(new LookupEventsCommand({ LookupAttributes }));
  assert.equal(Events.length, 1);
  assert.equal(Events[0].AccessKeyId, id);
  assert.deepEqual(JSON.parse(Events[0].CloudTrailEvent).requestParameters, { logGroupName: "audited" });
});

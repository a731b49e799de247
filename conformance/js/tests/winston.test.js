// winston-cloudwatch, as an application logs with it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import winston from "winston";
import WinstonCloudWatch from "winston-cloudwatch";

import { startServer } from "./server.js";

let server;

before(async () => {
  server = await startServer();
});

after(() => server.stop());

test("winston-cloudwatch creates group and stream and logs to them", async () => {
  const options = {
    endpoint: server.endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "200000009001", secretAccessKey: "any" },
  };
  const transport = new WinstonCloudWatch({
    name: "cloudwatch",
    logGroupName: "/winston",
    logStreamName: "app",
    awsOptions: options,
    jsonMessage: true,
    uploadRate: 100,
  });
  const logger = winston.createLogger({ transports: [transport] });
  logger.error("payment failed", { order: 7 });
  await new Promise((resolve, reject) => transport.kthxbye((error) => (error ? reject(error) : resolve())));

  const logs = new CloudWatchLogsClient(options);
  const { events } = await logs.send(
    new FilterLogEventsCommand({ logGroupName: "/winston", filterPattern: "{ $.order = 7 }" }),
  );
  assert.equal(events.length, 1);
  assert.equal(JSON.parse(events[0].message).message, "payment failed");
});

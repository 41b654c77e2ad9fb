// What the tests share: a service for each file, clients of it by every transport
// and protocol, and short forms of requests.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { after, before } = require('node:test');

const Int64 = require('node-int64');
const thrift = require('thrift');

const { generateClient, makeFolder, startService } = require('./service.js');

const TIMEOUT_MS = 20_000;
const WIRES = {
  'framed binary': [thrift.TFramedTransport, thrift.TBinaryProtocol],
  'framed compact': [thrift.TFramedTransport, thrift.TCompactProtocol],
  'unframed binary': [thrift.TBufferedTransport, thrift.TBinaryProtocol],
  'unframed compact': [thrift.TBufferedTransport, thrift.TCompactProtocol],
};

let folder;
let service;

/** The generated modules, once the tests have begun: `forebay.types.Value`. */
const forebay = {};

before(async () => {
  const mysqlUrl = process.env.FOREBAY_TEST_MYSQL_URL;
  assert.ok(mysqlUrl, 'no database: run `scripts/test node`');
  folder = makeFolder();
  Object.assign(forebay, generateClient(folder));
  const lenient = `url = "${mysqlUrl}"\nsql_mode = ""`;
  service = await startService(
    folder,
    `[shards.mysql]\nurl = "${mysqlUrl}"\n
[shards.sqlite]\nurl = "sqlite::memory:"\n
[shards.lenient]\n${lenient}\n
[shards.prepared]\n${lenient}\nstatements = "prepared"\n`,
  );
});

after(async () => {
  try {
    if (service) assert.equal(await service.stop(), 0);
  } finally {
    if (folder) fs.rmSync(folder, { recursive: true });
  }
});

/** Runs `work` with a client by the given transport and protocol. */
async function withClient([transport, protocol], work) {
  const connection = thrift.createConnection('127.0.0.1', service.port, {
    transport,
    protocol,
    connect_timeout: TIMEOUT_MS,
    timeout: TIMEOUT_MS,
  });
  const client = thrift.createClient(forebay.Forebay, connection);
  const failed = new Promise((_, reject) => {
    connection.on('error', reject);
    connection.on('timeout', () => reject(new Error('no answer in time')));
    connection.on('close', () => reject(new Error('the service closed the session')));
  });
  failed.catch(() => {});
  try {
    return await Promise.race([work(client), failed]);
  } finally {
    connection.end();
  }
}

/** A Value from a Node.js value; a safe integer is an int64. */
function value(item) {
  const { Value } = forebay.types;
  if (item instanceof Value) return item;
  if (item === null) return new Value({ is_null: true });
  if (typeof item === 'boolean') return new Value({ boolean: item });
  if (item instanceof Int64 || Number.isSafeInteger(item)) return new Value({ int64: item });
  if (typeof item === 'number') return new Value({ float64: item });
  if (Buffer.isBuffer(item)) return new Value({ bytes: item });
  if (Array.isArray(item)) return new Value({ items: item.map(value) });
  return new Value({ text: item });
}

function statement(sql, params, style) {
  const { ParamStyle, Statement } = forebay.types;
  return new Statement({
    sql,
    params: params && params.map(value),
    param_style: style ?? ParamStyle.NATIVE,
  });
}

function query(client, shard, sql, params, options) {
  const request = { shard, statement: statement(sql, params), options };
  return client.query(new forebay.types.QueryRequest(request));
}

function execute(client, shard, sql, params, style, options) {
  const request = { shard, statement: statement(sql, params, style), options };
  return client.execute(new forebay.types.ExecuteRequest(request));
}

/** A column's values, with null where the bitmap says so. */
function values(column) {
  const vectors = ['int64s', 'doubles', 'strings', 'blobs'].filter((name) => column[name] !== null);
  assert.equal(vectors.length, 1, `column ${column.name} has the vectors ${vectors}`);
  const nulls = Buffer.from(column.nulls);
  const isNull = (row) => nulls.length > 0 && (nulls[row >> 3] >> (row & 7)) & 1;
  return column[vectors[0]].map((item, row) => (isNull(row) ? null : item));
}

function column(result, index = 0) {
  return values(result.rows.columns[index]);
}

/** One step of a batch; `fields` are its others. */
function step(sql, params, fields) {
  return new forebay.types.BatchStep({ statement: statement(sql, params), ...fields });
}

function batch(client, shard, steps, fields) {
  return client.batch(new forebay.types.BatchRequest({ shard, steps, ...fields }));
}

module.exports = {
  WIRES,
  batch,
  column,
  execute,
  forebay,
  query,
  statement,
  step,
  value,
  values,
  withClient,
};

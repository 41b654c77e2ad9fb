// The second language: a Node.js client, generated here from the contract with
// the stock compiler, does what the Python one does.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');

const Int64 = require('node-int64');

const { WIRES, column, execute, forebay, query, value, withClient } = require('./client.js');

const KEYS = {
  mysql: 'BIGINT AUTO_INCREMENT PRIMARY KEY',
  sqlite: 'INTEGER PRIMARY KEY AUTOINCREMENT',
};

for (const [name, wire] of Object.entries(WIRES)) {
  for (const shard of Object.keys(KEYS)) {
    test(`the job on ${shard}, ${name}`, () => withClient(wire, (client) => theJob(client, shard)));
  }
  test(`values, ${name}`, () => withClient(wire, valuesThereAndBack));
  test(`errors, ${name}`, () => withClient(wire, errors));
  test(`calls without waiting, ${name}`, () => withClient(wire, callsWithoutWaiting));
}

async function theJob(client, shard) {
  const { InsertRequest, ParamStyle } = forebay.types;
  await execute(client, shard, `CREATE TABLE users (id ${KEYS[shard]}, username VARCHAR(50), password VARCHAR(50))`);
  await execute(client, shard, 'CREATE TABLE follow_user (user_id1 BIGINT, user_id2 BIGINT)');
  try {
    const follows = [[1, 2], [1, 2], [2, 1]];
    const bulk = await client.insert(
      new InsertRequest({
        shard,
        table: 'follow_user',
        columns: ['user_id1', 'user_id2'],
        rows: follows.map((row) => row.map(value)),
      }),
    );
    assert.equal(Number(bulk.affected_rows), 3);

    const deleted = await execute(
      client,
      shard,
      'DELETE FROM follow_user WHERE user_id1=%s AND user_id2=%s',
      [1, 2],
      ParamStyle.PYFORMAT,
    );
    assert.equal(Number(deleted.affected_rows), 2);

    const add = 'INSERT INTO users (username, password) VALUES (%s, %s)';
    const first = await execute(client, shard, add, ['alice', "O'Neil \\ 🚀"], ParamStyle.PYFORMAT);
    const second = await execute(client, shard, add, ['bob', null], ParamStyle.PYFORMAT);
    assert.equal(Number(first.insert_id), 1);
    assert.equal(Number(second.insert_id), 2);

    const found = await query(
      client,
      shard,
      'SELECT id, username, password FROM users WHERE id IN (?) ORDER BY id',
      [[1, 2, 3]],
      new forebay.types.Options({ request_id: 'from node' }),
    );
    assert.equal(found.header.request_id, 'from node');
    assert.equal(Number(found.rows.row_count), 2);
    assert.deepEqual(column(found, 0).map(Number), [1, 2]);
    assert.deepEqual(column(found, 1), ['alice', 'bob']);
    assert.deepEqual(column(found, 2), ["O'Neil \\ 🚀", null]);
  } finally {
    await execute(client, shard, 'DROP TABLE users');
    await execute(client, shard, 'DROP TABLE follow_user');
  }
}

async function valuesThereAndBack(client) {
  const large = new Int64('7fffffffffffffff');
  const small = new Int64('8000000000000000');
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const asked = [large, small, 1.5, 'text é', bytes, null, true];
  const found = await query(client, 'mysql', 'SELECT ?, ?, ?, ?, ?, ?, ?', asked);
  assert.equal(column(found, 0)[0].toOctetString(), '7fffffffffffffff');
  assert.equal(column(found, 1)[0].toOctetString(), '8000000000000000');
  assert.deepEqual(column(found, 2), [1.5]);
  assert.deepEqual(column(found, 3), ['text é']);
  assert.deepEqual(column(found, 4), [bytes]);
  assert.deepEqual(column(found, 5), [null]);
  assert.deepEqual(column(found, 6).map(Number), [1]);

  const unsigned = await query(client, 'mysql', 'SELECT 18446744073709551615');
  assert.deepEqual(column(unsigned), ['18446744073709551615']);
  const bitmap = await query(
    client,
    'sqlite',
    'SELECT NULLIF(v, 2) FROM (SELECT 1 AS v UNION SELECT 2 UNION SELECT 3) AS t ORDER BY v',
  );
  assert.deepEqual(column(bitmap).map((item) => (item === null ? null : Number(item))), [1, null, 3]);
}

async function errors(client) {
  const { DataError, ErrorCode } = forebay.types;
  const cases = [
    ['no_such_shard', 'SELECT 1', undefined, ErrorCode.UNKNOWN_SHARD, 0],
    ['mysql', 'SELECT ?', [], ErrorCode.INVALID_ARGUMENT, 0],
    ['mysql', 'SELECT * FROM no_such_table', undefined, ErrorCode.SQL_ERROR, 1146],
    ['mysql', 'SELECT FROM', undefined, ErrorCode.SQL_ERROR, 1064],
    ['mysql', 'SET NAMES gbk', undefined, ErrorCode.STATEMENT_NOT_ALLOWED, 0],
  ];
  for (const [shard, sql, params, code, errno] of cases) {
    await assert.rejects(query(client, shard, sql, params), (error) => {
      assert.ok(error instanceof DataError, `${sql}: ${error}`);
      assert.equal(error.code, code, sql);
      assert.equal(error.mysql_errno, errno, sql);
      assert.ok(error.message);
      return true;
    });
  }
  assert.deepEqual(column(await query(client, 'mysql', 'SELECT ?', ['still here'])), ['still here']);
}

async function callsWithoutWaiting(client) {
  const numbers = Array.from({ length: 40 }, (_, number) => number);
  const shards = ['mysql', 'sqlite'];
  const answers = await Promise.all(
    numbers.map((number) => query(client, shards[number % 2], 'SELECT ?', [number])),
  );
  assert.deepEqual(answers.map((answer) => Number(column(answer)[0])), numbers);
}

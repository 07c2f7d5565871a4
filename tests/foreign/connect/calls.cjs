// Calls the services for backends with the Connect client, in JSON and in gRPC-Web.
//
// In, one JSON value on stdin: the address, a secret, tokens, and the file with the compiled protos.
// Out, one JSON value on stdout: for each protocol the outcome of each call.

const { readFileSync } = require("node:fs");
const { createFileRegistry, fromBinary, toJson } = require("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt");
const { Code, ConnectError, createClient } = require("@connectrpc/connect");
const { createConnectTransport, createGrpcWebTransport } = require("@connectrpc/connect-node");

const question = JSON.parse(readFileSync(0, "utf8"));
const compiled = fromBinary(FileDescriptorSetSchema, readFileSync(question.protos));
const registry = createFileRegistry(compiled);
const service = registry.getService("rownd.auth.v1.RowndAuth");

// The schema of google.rpc.ErrorInfo, by hand: reason is field 1, domain field 2.
function texts(bytes) {
  const found = {};
  for (let at = 0; at < bytes.length; ) {
    const number = bytes[at] >> 3;
    const length = bytes[at + 1];
    found[number] = Buffer.from(bytes.subarray(at + 2, at + 2 + length)).toString();
    at += 2 + length;
  }
  return found;
}

async function outcome(call, method) {
  try {
    const answer = await call();
    return { ok: true, answer: toJson(method.output, answer, { registry }) };
  } catch (error) {
    const refused = ConnectError.from(error);
    const info = refused.details.find((one) => one.type === "google.rpc.ErrorInfo");
    return {
      ok: false,
      code: Code[refused.code],
      reason: info ? texts(info.value)[1] : "",
      types: refused.details.map((one) => one.type).sort(),
    };
  }
}

async function all(transport) {
  const client = createClient(service, transport);
  const headers = { authorization: `Bearer ${question.secret}` };
  const { verify, getUser, exchange } = service.method;
  return {
    verified: await outcome(() => client.verify({ token: question.token }, { headers }), verify),
    denied: await outcome(() => client.verify({ token: "x.y.z" }, { headers }), verify),
    user: await outcome(
      () => client.getUser(
        { subject: { case: "token", value: question.token }, readMask: { paths: ["id", "data.email"] } },
        { headers },
      ),
      getUser,
    ),
    nobody: await outcome(() => client.verify({ token: question.token }), verify),
    mistake: await outcome(() => client.verify({ token: "" }, { headers }), verify),
    guest: await outcome(
      () => client.exchange({ grant: { case: "guest", value: {} } }, { headers }),
      exchange,
    ),
    late: await outcome(
      () => client.verify({ token: question.token }, { headers, timeoutMs: 20_000 }),
      verify,
    ),
  };
}

const common = { baseUrl: question.base_url, httpVersion: "1.1" };
(async () => {
  const answers = {
    json: await all(createConnectTransport({ ...common, useBinaryFormat: false })),
    grpc_web: await all(createGrpcWebTransport({ ...common, useBinaryFormat: true })),
  };
  console.log(JSON.stringify(answers));
})();

// A client of RowndAuth: verifies, trades and renews tokens, and reads a user.
"use strict";

const { readFileSync } = require("node:fs");
const path = require("node:path");
const { promisify } = require("node:util");
const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");
const { ErrorInfo, RetryInfo } = require("nice-grpc-error-details");
const { Status } = require("nice-grpc-error-details/lib/proto/google/rpc/status");
const { manage } = require("./management.cjs");

const DEADLINE = 5000; // milliseconds, for a call with all of its tries
const PROTO = path.join(__dirname, "../../../proto");
const PROTOS = ["rownd_auth", "user_service", "group_service", "oidc_client_service"].map(
  (name) => `rownd/auth/v1/${name}.proto`,
);

// Verify and GetUser may be asked again. Exchange never: what it trades works once.
const SERVICE_CONFIG = {
  methodConfig: [
    {
      name: [
        { service: "rownd.auth.v1.RowndAuth", method: "Verify" },
        { service: "rownd.auth.v1.RowndAuth", method: "GetUser" },
      ],
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: "0.1s",
        maxBackoff: "1s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
};

/** RowndAuth, as one of its callers. */
class Client {
  constructor(target, secret) {
    const definition = protoLoader.loadSync(PROTOS, {
      includeDirs: [PROTO],
      enums: String,
      longs: Number,
      oneofs: true,
    });
    const services = grpc.loadPackageDefinition(definition).rownd.auth.v1;
    const options = { "grpc.service_config": JSON.stringify(SERVICE_CONFIG) };
    // The services of one target share its connection.
    const stub = (name) => new services[name](target, grpc.credentials.createInsecure(), options);
    this.stubs = {
      RowndAuth: stub("RowndAuth"),
      UserService: stub("UserService"),
      GroupService: stub("GroupService"),
      OidcClientService: stub("OidcClientService"),
    };
    this.metadata = new grpc.Metadata();
    this.metadata.set("authorization", `Bearer ${secret}`);
  }

  call(method, request, service = "RowndAuth") {
    const stub = this.stubs[service];
    const call = promisify(stub[method]).bind(stub);
    return call(request, this.metadata, { deadline: Date.now() + DEADLINE });
  }

  async verify(token) {
    const { outcome, identity, denial } = await this.call("Verify", { token });
    return outcome === "identity"
      ? `${identity.userId} ${identity.authLevel}`
      : `denied ${denial.reason}`;
  }

  async exchange(token) {
    return (await this.call("Exchange", { thirdPartyToken: { token } })).tokens;
  }

  async refresh(refreshToken) {
    return (await this.call("Exchange", { refreshToken: { refreshToken } })).tokens;
  }

  async user(token) {
    const readMask = { paths: ["id", "data", "memberships"] };
    const { user } = await this.call("GetUser", { token, readMask });
    const groups = user.memberships.map((place) => place.groupId).join();
    return `${user.id} ${user.data.fields.email.stringValue} ${groups}`;
  }

  close() {
    Object.values(this.stubs).forEach((stub) => stub.close());
  }
}

/** The code of an error, its reason, and whether it is worth trying again. */
function explain(error) {
  let reason = "";
  let again = "";
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  for (const { typeUrl, value } of bytes ? Status.decode(bytes).details : []) {
    if (typeUrl.endsWith("/google.rpc.ErrorInfo")) {
      reason = ` ${ErrorInfo.decode(value).reason}`;
    } else if (typeUrl.endsWith("/google.rpc.RetryInfo")) {
      const { seconds, nanos } = RetryInfo.decode(value).retryDelay;
      again = `, retry in ${seconds * 1000 + Math.floor(nanos / 1e6)} ms`;
    }
  }
  return grpc.status[error.code] + reason + again;
}

async function attempt(what, call) {
  try {
    console.log(`${what}: ${await call()}`);
  } catch (error) {
    if (!error.metadata) throw error;
    console.log(`${what}: ${explain(error)}`);
  }
}

async function main() {
  const { AUTHZ_TARGET, AUTHZ_SECRET_FILE, TOKEN, THIRD_PARTY_TOKEN } = process.env;
  const client = new Client(AUTHZ_TARGET, readFileSync(AUTHZ_SECRET_FILE, "utf8").trim());
  if (process.argv[2] === "management") {
    await manage(attempt, client);
    client.close();
    return;
  }
  const refresh = async (token) => client.verify((await client.refresh(token)).accessToken);

  await attempt("verify", () => client.verify(TOKEN));
  await attempt("verify nonsense", () => client.verify("nonsense"));
  await attempt("exchange and refresh", async () =>
    refresh((await client.exchange(THIRD_PARTY_TOKEN)).refreshToken),
  );
  await attempt("refresh nonsense", () => refresh("nonsense"));
  await attempt("user", () => client.user(TOKEN));
  client.close();
}

main();

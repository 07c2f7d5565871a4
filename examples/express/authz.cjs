// Middleware: `request.identity` is the identity of the token, or undefined without a token.
"use strict";

const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");

const definition = protoLoader.loadSync("rownd/auth/v1/rownd_auth.proto", {
  includeDirs: [path.join(__dirname, "../../proto")],
  enums: String,
  oneofs: true,
  defaults: true,
});
const { RowndAuth } = grpc.loadPackageDefinition(definition).rownd.auth.v1;

module.exports = function authz(target) {
  const stub = new RowndAuth(target, grpc.credentials.createInsecure());
  return (request, response, next) => {
    const [, token] = /^bearer +(.+)$/i.exec(request.get("authorization") ?? "") ?? [];
    if (token === undefined) return next();
    stub.Verify({ token }, { deadline: Date.now() + 1000 }, (error, answer) => {
      if (error) {
        // No decision was possible: refuse the request.
        return response.status(503).set("Retry-After", "1").json({ error: "temporarily_unavailable" });
      }
      if (answer.outcome !== "identity") {
        const { reason } = answer.denial;
        response.set("WWW-Authenticate", 'Bearer error="invalid_token"');
        return response.status(401).json({ error: "invalid_token", reason });
      }
      request.identity = answer.identity;
      next();
    });
  };
};

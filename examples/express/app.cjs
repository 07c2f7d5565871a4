// One page for everybody, one for users.
"use strict";

const express = require("express");
const authz = require("./authz.cjs");

const app = express();
app.use(authz(process.env.AUTHZ_TARGET ?? "127.0.0.1:50051"));

app.get("/", (request, response) => {
  response.json({ user: request.identity?.userId ?? null });
});

app.get("/me", (request, response) => {
  if (!request.identity) {
    response.set("WWW-Authenticate", "Bearer");
    return response.status(401).json({ error: "unauthenticated" });
  }
  const { userId, verified } = request.identity;
  response.json({ user: userId, verified });
});

app.listen(process.env.PORT ?? 3000, "127.0.0.1");

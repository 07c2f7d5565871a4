// Manages users, groups and OpenID clients, as a caller with the rights for it. Nothing here is ever
// sent twice: each call is a write.
"use strict";

const ID = "tess";
const EMAIL = "tess@example.com";
const text = (stringValue) => ({ stringValue });

async function create(client) {
  const data = { fields: { email: text(EMAIL), first_name: text("Tess") } };
  const request = { userId: ID, user: { data } };
  const { user } = await client.call("CreateUser", request, "UserService");
  return `${user.id} ${user.data.fields.email.stringValue}`;
}

async function update(client) {
  const request = {
    user: { id: ID, data: { fields: { first_name: text("Theresa") } } },
    updateMask: { paths: ["data.first_name"] },
  };
  const { user } = await client.call("UpdateUser", request, "UserService");
  return user.data.fields.first_name.stringValue;
}

/** All pages: a page may have fewer users than it may hold, and still have a next one. */
async function list(client) {
  const found = [];
  let pageToken = "";
  do {
    const request = { userIds: ["ann", ID], pageSize: 1, pageToken };
    const page = await client.call("ListUsers", request, "UserService");
    found.push(...(page.users ?? []).map((user) => user.id));
    pageToken = page.nextPageToken;
  } while (pageToken);
  return found.join();
}

async function addToGroup(client) {
  const request = { groupId: "group_staff", userId: ID, roles: ["editor"] };
  const { member } = await client.call("AddGroupMember", request, "GroupService");
  return `${member.userId} ${member.roles.join()}`;
}

/** The link signs in everybody who opens it: it is for the user's mailbox, and for no log. */
async function link(client) {
  const request = { email: EMAIL, redirectUrl: "https://example.com/welcome" };
  const answer = await client.call("CreateSignInLink", request, "UserService");
  return answer.link ? `for ${answer.userId}` : "none";
}

async function openIdClient(client) {
  const config = { redirectUris: ["https://example.com/callback"] };
  const call = (method, request) => client.call(method, request, "OidcClientService");
  const made = await call("CreateOidcClient", { oidcClient: { name: "Web", config } });
  const { id, credentials } = made.oidcClient;
  // Keep the secret now: no other answer has it.
  const first = Boolean(credentials[0].secret);
  const read = await call("GetOidcClient", { id });
  const later = Boolean(read.oidcClient.credentials[0].secret);
  await call("DeleteOidcClient", { id });
  return `secret at first ${first}, later ${later}`;
}

async function disable(client) {
  const { user } = await client.call("DisableUser", { userId: ID }, "UserService");
  return user.state;
}

async function end(client, method) {
  await client.call(method, { userId: ID }, "UserService");
  return "done";
}

async function manage(attempt, client) {
  await attempt("create", () => create(client));
  await attempt("create again", () => create(client));
  await attempt("update", () => update(client));
  await attempt("list", () => list(client));
  await attempt("add to group", () => addToGroup(client));
  await attempt("sign-in link", () => link(client));
  await attempt("OpenID client", () => openIdClient(client));
  await attempt("disable", () => disable(client));
  await attempt("sign out", () => end(client, "SignOutUser"));
  await attempt("delete", () => end(client, "DeleteUser"));
  await attempt("user", async () => (await client.call("GetUser", { userId: ID })).user.id);
}

module.exports = { manage };

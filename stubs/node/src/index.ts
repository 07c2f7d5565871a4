// The service of rownd-authz for backends, and its messages.
export * from "./rownd/auth/v1/identity";
export * from "./rownd/auth/v1/rownd_auth";
export * from "./rownd/auth/v1/user";

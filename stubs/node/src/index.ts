// The services of rownd-authz for backends, and their messages.
export * from "./rownd/auth/v1/identity";
export * from "./rownd/auth/v1/rownd_auth";
export * from "./rownd/auth/v1/user";
export * from "./rownd/auth/v1/user_service";

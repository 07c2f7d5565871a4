"""Manages users, groups and OpenID clients, as a caller with the rights for it."""

from google.protobuf.field_mask_pb2 import FieldMask

from rownd.auth.v1.group_service_pb2 import AddGroupMemberRequest
from rownd.auth.v1.group_service_pb2_grpc import GroupServiceStub
from rownd.auth.v1.oidc_client_service_pb2 import (
    CreateOidcClientRequest,
    DeleteOidcClientRequest,
    GetOidcClientRequest,
    OidcClient,
    OidcClientConfig,
)
from rownd.auth.v1.oidc_client_service_pb2_grpc import OidcClientServiceStub
from rownd.auth.v1.rownd_auth_pb2 import GetUserRequest
from rownd.auth.v1.rownd_auth_pb2_grpc import RowndAuthStub
from rownd.auth.v1.user_pb2 import User, UserState
from rownd.auth.v1.user_service_pb2 import (
    CreateSignInLinkRequest,
    CreateUserRequest,
    DeleteUserRequest,
    DisableUserRequest,
    ListUsersRequest,
    SignOutUserRequest,
    UpdateUserRequest,
)
from rownd.auth.v1.user_service_pb2_grpc import UserServiceStub

ID = "tess"
EMAIL = "tess@example.com"


class Manager:
    """The services for administration. Nothing here is ever sent twice: each call is a write."""

    def __init__(self, channel, call):
        self.auth = RowndAuthStub(channel)
        self.users = UserServiceStub(channel)
        self.groups = GroupServiceStub(channel)
        self.clients = OidcClientServiceStub(channel)
        self.call = call

    def create(self):
        user = User(data={"email": EMAIL, "first_name": "Tess"})
        request = CreateUserRequest(user_id=ID, user=user)
        made = self.users.CreateUser(request, **self.call).user
        return f"{made.id} {made.data['email']}"

    def update(self):
        mask = FieldMask(paths=["data.first_name"])
        user = User(id=ID, data={"first_name": "Theresa"})
        request = UpdateUserRequest(user=user, update_mask=mask)
        return self.users.UpdateUser(request, **self.call).user.data["first_name"]

    def list(self):
        """All pages: a page may have fewer users than it may hold, and still have a next one."""
        found, request = [], ListUsersRequest(user_ids=["ann", ID], page_size=1)
        while True:
            page = self.users.ListUsers(request, **self.call)
            found += [user.id for user in page.users]
            if not page.next_page_token:
                return ",".join(found)
            request.page_token = page.next_page_token

    def add_to_group(self):
        request = AddGroupMemberRequest(group_id="group_staff", user_id=ID, roles=["editor"])
        member = self.groups.AddGroupMember(request, **self.call).member
        return f"{member.user_id} {','.join(member.roles)}"

    def link(self):
        """The link signs in everybody who opens it: it is for the user's mailbox, and for no log."""
        request = CreateSignInLinkRequest(email=EMAIL, redirect_url="https://example.com/welcome")
        answer = self.users.CreateSignInLink(request, **self.call)
        return f"for {answer.user_id}" if answer.link else "none"

    def openid_client(self):
        config = OidcClientConfig(redirect_uris=["https://example.com/callback"])
        request = CreateOidcClientRequest(oidc_client=OidcClient(name="Web", config=config))
        made = self.clients.CreateOidcClient(request, **self.call).oidc_client
        # Keep the secret now: no other answer has it.
        first = made.credentials[0].HasField("secret")
        read = self.clients.GetOidcClient(GetOidcClientRequest(id=made.id), **self.call)
        later = read.oidc_client.credentials[0].HasField("secret")
        self.clients.DeleteOidcClient(DeleteOidcClientRequest(id=made.id), **self.call)
        return f"secret at first {first}, later {later}".lower()

    def disable(self):
        request = DisableUserRequest(user_id=ID)
        return UserState.Name(self.users.DisableUser(request, **self.call).user.state)

    def sign_out(self):
        self.users.SignOutUser(SignOutUserRequest(user_id=ID), **self.call)
        return "done"

    def delete(self):
        self.users.DeleteUser(DeleteUserRequest(user_id=ID), **self.call)
        return "done"

    def user(self):
        return self.auth.GetUser(GetUserRequest(user_id=ID), **self.call).user.id


def run(attempt, channel, call):
    manager = Manager(channel, call)
    attempt("create", manager.create)
    attempt("create again", manager.create)
    attempt("update", manager.update)
    attempt("list", manager.list)
    attempt("add to group", manager.add_to_group)
    attempt("sign-in link", manager.link)
    attempt("OpenID client", manager.openid_client)
    attempt("disable", manager.disable)
    attempt("sign out", manager.sign_out)
    attempt("delete", manager.delete)
    attempt("user", manager.user)

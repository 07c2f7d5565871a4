package example;

import com.google.protobuf.FieldMask;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.stub.AbstractStub;
import io.rownd.auth.v1.AddGroupMemberRequest;
import io.rownd.auth.v1.CreateOidcClientRequest;
import io.rownd.auth.v1.CreateSignInLinkRequest;
import io.rownd.auth.v1.CreateUserRequest;
import io.rownd.auth.v1.DeleteOidcClientRequest;
import io.rownd.auth.v1.DeleteUserRequest;
import io.rownd.auth.v1.DisableUserRequest;
import io.rownd.auth.v1.GetOidcClientRequest;
import io.rownd.auth.v1.GetUserRequest;
import io.rownd.auth.v1.GroupServiceGrpc;
import io.rownd.auth.v1.ListUsersRequest;
import io.rownd.auth.v1.OidcClient;
import io.rownd.auth.v1.OidcClientConfig;
import io.rownd.auth.v1.OidcClientServiceGrpc;
import io.rownd.auth.v1.RowndAuthGrpc;
import io.rownd.auth.v1.SignOutUserRequest;
import io.rownd.auth.v1.UpdateUserRequest;
import io.rownd.auth.v1.User;
import io.rownd.auth.v1.UserServiceGrpc;
import java.util.ArrayList;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Manages users, groups and OpenID clients, as a caller with the rights for it. Nothing here is ever
 * sent twice: each call is a write.
 */
final class Management {
  private static final String ID = "tess";
  private static final String EMAIL = "tess@example.com";

  private final RowndAuthGrpc.RowndAuthBlockingStub auth;
  private final UserServiceGrpc.UserServiceBlockingStub users;
  private final GroupServiceGrpc.GroupServiceBlockingStub groups;
  private final OidcClientServiceGrpc.OidcClientServiceBlockingStub clients;

  private Management(ManagedChannel channel, ClientInterceptor caller) {
    auth = RowndAuthGrpc.newBlockingStub(channel).withInterceptors(caller);
    users = UserServiceGrpc.newBlockingStub(channel).withInterceptors(caller);
    groups = GroupServiceGrpc.newBlockingStub(channel).withInterceptors(caller);
    clients = OidcClientServiceGrpc.newBlockingStub(channel).withInterceptors(caller);
  }

  private static <S extends AbstractStub<S>> S timed(S stub) {
    return stub.withDeadlineAfter(Main.DEADLINE_SECONDS, TimeUnit.SECONDS);
  }

  private static Struct data(Map<String, String> fields) {
    var made = Struct.newBuilder();
    fields.forEach(
        (name, value) -> made.putFields(name, Value.newBuilder().setStringValue(value).build()));
    return made.build();
  }

  private static String field(User user, String name) {
    return user.getData().getFieldsOrThrow(name).getStringValue();
  }

  private String create() {
    var user = User.newBuilder().setData(data(Map.of("email", EMAIL, "first_name", "Tess")));
    var request = CreateUserRequest.newBuilder().setUserId(ID).setUser(user).build();
    var made = timed(users).createUser(request).getUser();
    return made.getId() + " " + field(made, "email");
  }

  private String update() {
    var user = User.newBuilder().setId(ID).setData(data(Map.of("first_name", "Theresa")));
    var mask = FieldMask.newBuilder().addPaths("data.first_name");
    var request = UpdateUserRequest.newBuilder().setUser(user).setUpdateMask(mask).build();
    return field(timed(users).updateUser(request).getUser(), "first_name");
  }

  /** All pages: a page may have fewer users than it may hold, and still have a next one. */
  private String list() {
    var found = new ArrayList<String>();
    var request = ListUsersRequest.newBuilder().addUserIds("ann").addUserIds(ID).setPageSize(1);
    do {
      var page = timed(users).listUsers(request.build());
      page.getUsersList().forEach(user -> found.add(user.getId()));
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
    return String.join(",", found);
  }

  private String addToGroup() {
    var request =
        AddGroupMemberRequest.newBuilder()
            .setGroupId("group_staff")
            .setUserId(ID)
            .addRoles("editor")
            .build();
    var member = timed(groups).addGroupMember(request).getMember();
    return member.getUserId() + " " + String.join(",", member.getRolesList());
  }

  /** The link signs in everybody who opens it: it is for the user's mailbox, and for no log. */
  private String link() {
    var request =
        CreateSignInLinkRequest.newBuilder()
            .setEmail(EMAIL)
            .setRedirectUrl("https://example.com/welcome")
            .build();
    var answer = timed(users).createSignInLink(request);
    return answer.getLink().isEmpty() ? "none" : "for " + answer.getUserId();
  }

  private String openIdClient() {
    var config = OidcClientConfig.newBuilder().addRedirectUris("https://example.com/callback");
    var client = OidcClient.newBuilder().setName("Web").setConfig(config);
    var request = CreateOidcClientRequest.newBuilder().setOidcClient(client).build();
    var made = timed(clients).createOidcClient(request).getOidcClient();
    // Keep the secret now: no other answer has it.
    var first = made.getCredentials(0).hasSecret();
    var get = GetOidcClientRequest.newBuilder().setId(made.getId()).build();
    var later = timed(clients).getOidcClient(get).getOidcClient().getCredentials(0).hasSecret();
    var delete = DeleteOidcClientRequest.newBuilder().setId(made.getId()).build();
    timed(clients).deleteOidcClient(delete);
    return "secret at first " + first + ", later " + later;
  }

  private String disable() {
    var request = DisableUserRequest.newBuilder().setUserId(ID).build();
    return timed(users).disableUser(request).getUser().getState().toString();
  }

  private String signOut() {
    timed(users).signOutUser(SignOutUserRequest.newBuilder().setUserId(ID).build());
    return "done";
  }

  private String delete() {
    timed(users).deleteUser(DeleteUserRequest.newBuilder().setUserId(ID).build());
    return "done";
  }

  private String user() {
    return timed(auth).getUser(GetUserRequest.newBuilder().setUserId(ID).build()).getUser().getId();
  }

  static void run(ManagedChannel channel, ClientInterceptor caller) throws Exception {
    var manager = new Management(channel, caller);
    Main.attempt("create", manager::create);
    Main.attempt("create again", manager::create);
    Main.attempt("update", manager::update);
    Main.attempt("list", manager::list);
    Main.attempt("add to group", manager::addToGroup);
    Main.attempt("sign-in link", manager::link);
    Main.attempt("OpenID client", manager::openIdClient);
    Main.attempt("disable", manager::disable);
    Main.attempt("sign out", manager::signOut);
    Main.attempt("delete", manager::delete);
    Main.attempt("user", manager::user);
  }
}

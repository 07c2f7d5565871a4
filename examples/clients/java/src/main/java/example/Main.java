package example;

import static java.util.stream.Collectors.joining;

import com.google.protobuf.Any;
import com.google.protobuf.FieldMask;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.ClientInterceptor;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import io.rownd.auth.v1.ExchangeRequest;
import io.rownd.auth.v1.GetUserRequest;
import io.rownd.auth.v1.Membership;
import io.rownd.auth.v1.RefreshTokenGrant;
import io.rownd.auth.v1.RowndAuthGrpc;
import io.rownd.auth.v1.ThirdPartyTokenGrant;
import io.rownd.auth.v1.Tokens;
import io.rownd.auth.v1.VerifyRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** A client of RowndAuth: verifies, trades and renews tokens, and reads a user. */
public final class Main {
  /** For a call with all of its tries. */
  static final long DEADLINE_SECONDS = 5;

  /** Verify and GetUser may be asked again. Exchange never: what it trades works once. */
  private static final Map<String, ?> SERVICE_CONFIG =
      Map.of(
          "methodConfig",
          List.of(
              Map.of(
                  "name",
                  List.of(
                      Map.of("service", "rownd.auth.v1.RowndAuth", "method", "Verify"),
                      Map.of("service", "rownd.auth.v1.RowndAuth", "method", "GetUser")),
                  "retryPolicy",
                  Map.of(
                      "maxAttempts", 3.0,
                      "initialBackoff", "0.1s",
                      "maxBackoff", "1s",
                      "backoffMultiplier", 2.0,
                      "retryableStatusCodes", List.of("UNAVAILABLE")))));

  private final RowndAuthGrpc.RowndAuthBlockingStub stub;

  private Main(ManagedChannel channel, ClientInterceptor caller) {
    stub = RowndAuthGrpc.newBlockingStub(channel).withInterceptors(caller);
  }

  /** Says who is calling, with every call. */
  private static ClientInterceptor caller(String secret) {
    var metadata = new Metadata();
    var authorization = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    metadata.put(authorization, "Bearer " + secret);
    return MetadataUtils.newAttachHeadersInterceptor(metadata);
  }

  private RowndAuthGrpc.RowndAuthBlockingStub call() {
    return stub.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
  }

  private String verify(String token) {
    var answer = call().verify(VerifyRequest.newBuilder().setToken(token).build());
    if (answer.hasIdentity()) {
      var identity = answer.getIdentity();
      return identity.getUserId() + " " + identity.getAuthLevel();
    }
    return "denied " + answer.getDenial().getReason();
  }

  private Tokens exchange(String token) {
    var grant = ThirdPartyTokenGrant.newBuilder().setToken(token);
    var request = ExchangeRequest.newBuilder().setThirdPartyToken(grant).build();
    return call().exchange(request).getTokens();
  }

  private Tokens refresh(String token) {
    var grant = RefreshTokenGrant.newBuilder().setRefreshToken(token);
    var request = ExchangeRequest.newBuilder().setRefreshToken(grant).build();
    return call().exchange(request).getTokens();
  }

  private String user(String token) {
    var mask = FieldMask.newBuilder().addAllPaths(List.of("id", "data", "memberships"));
    var request = GetUserRequest.newBuilder().setToken(token).setReadMask(mask).build();
    var user = call().getUser(request).getUser();
    var email = user.getData().getFieldsOrThrow("email").getStringValue();
    var groups = user.getMembershipsList().stream().map(Membership::getGroupId);
    return user.getId() + " " + email + " " + groups.collect(joining(","));
  }

  /** The code of an error, its reason, and whether it is worth trying again. */
  private static String explain(StatusRuntimeException error)
      throws InvalidProtocolBufferException {
    var reason = "";
    var again = "";
    for (Any detail : StatusProto.fromThrowable(error).getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        reason = " " + detail.unpack(ErrorInfo.class).getReason();
      } else if (detail.is(RetryInfo.class)) {
        var delay = detail.unpack(RetryInfo.class).getRetryDelay();
        var wait = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
        again = ", retry in " + wait.toMillis() + " ms";
      }
    }
    return error.getStatus().getCode() + reason + again;
  }

  static void attempt(String what, Callable<String> call) throws Exception {
    try {
      System.out.println(what + ": " + call.call());
    } catch (StatusRuntimeException error) {
      System.out.println(what + ": " + explain(error));
    }
  }

  public static void main(String[] arguments) throws Exception {
    var environment = System.getenv();
    var token = environment.get("TOKEN");
    var channel = connect(environment.get("AUTHZ_TARGET"));
    try {
      var caller = caller(secret(environment.get("AUTHZ_SECRET_FILE")));
      if (List.of(arguments).equals(List.of("management"))) {
        Management.run(channel, caller);
        return;
      }
      var client = new Main(channel, caller);
      attempt("verify", () -> client.verify(token));
      attempt("verify nonsense", () -> client.verify("nonsense"));
      attempt(
          "exchange and refresh",
          () -> {
            var tokens = client.exchange(environment.get("THIRD_PARTY_TOKEN"));
            return client.verify(client.refresh(tokens.getRefreshToken()).getAccessToken());
          });
      attempt(
          "refresh nonsense", () -> client.verify(client.refresh("nonsense").getAccessToken()));
      attempt("user", () -> client.user(token));
    } finally {
      channel.shutdown().awaitTermination(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }
  }

  private static ManagedChannel connect(String target) {
    var builder =
        Grpc.newChannelBuilder(target, InsecureChannelCredentials.create())
            .defaultServiceConfig(SERVICE_CONFIG)
            .enableRetry();
    if (target.startsWith("unix:")) {
      // The library would put the socket's path there, which is no host (RFC 9113 section 8.3.1).
      builder.overrideAuthority("localhost");
    }
    return builder.build();
  }

  private static String secret(String file) throws IOException {
    return Files.readString(Path.of(file)).trim();
  }
}

package example;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.Ed25519Verifier;
import com.nimbusds.jose.crypto.factories.DefaultJWSVerifierFactory;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKMatcher;
import com.nimbusds.jose.jwk.JWKSelector;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;

/** A service that knows its callers by passports. See ../README.md. */
public final class Main {
  private record Form(String header, JOSEObjectType typ) {}

  private static final Map<String, Form> FORMS =
      Map.of(
          "jwt", new Form("x-rownd-passport", new JOSEObjectType("rownd-passport+jwt")),
          "txn-token", new Form("txn-token", new JOSEObjectType("txntoken+jwt")));

  private final Form form;
  private final JWKSource<SecurityContext> keys;
  private final DefaultJWTClaimsVerifier<SecurityContext> verifier;

  private Main(Map<String, String> settings) throws IOException {
    form = FORMS.get(settings.getOrDefault("FORM", "jwt"));
    keys = JWKSourceBuilder.create(URI.create(settings.get("JWKS_URL")).toURL()).build();
    verifier =
        new DefaultJWTClaimsVerifier<>(
            settings.get("AUDIENCE"),
            new JWTClaimsSet.Builder().issuer(settings.get("ISSUER")).build(),
            Set.of("sub", "iat", "exp"));
    verifier.setMaxClockSkew(5);
  }

  /** The claims of a good passport. */
  private JWTClaimsSet claims(List<String> passports)
      throws ParseException, JOSEException, BadJOSEException {
    if (passports == null || passports.size() != 1) {
      throw new BadJOSEException("no passport, or several");
    }
    SignedJWT token = SignedJWT.parse(passports.get(0));
    // Another token of the same issuer is no passport.
    if (!form.typ().equals(token.getHeader().getType())) {
      throw new BadJOSEException("another typ");
    }
    if (!token.verify(verifier(token.getHeader()))) {
      throw new BadJOSEException("another signature");
    }
    verifier.verify(token.getJWTClaimsSet(), null);
    return token.getJWTClaimsSet();
  }

  /** Verifies by the key that the token names, and by that key's own algorithm. */
  private JWSVerifier verifier(JWSHeader header) throws JOSEException, BadJOSEException {
    JWKMatcher matcher = JWKMatcher.forJWSHeader(header);
    List<JWK> found = matcher == null ? List.of() : keys.get(new JWKSelector(matcher), null);
    if (found.size() != 1) {
      throw new BadJOSEException("an unknown key");
    }
    if (JWSAlgorithm.EdDSA.equals(header.getAlgorithm())) {
      return new Ed25519Verifier((OctetKeyPair) found.get(0));
    }
    if (JWSAlgorithm.ES256.equals(header.getAlgorithm())) {
      return new DefaultJWSVerifierFactory()
          .createJWSVerifier(header, found.get(0).toECKey().toECPublicKey());
    }
    throw new BadJOSEException("another algorithm");
  }

  private void answer(HttpExchange exchange) throws IOException {
    int status = 200;
    String body;
    try {
      body = claims(exchange.getRequestHeaders().get(form.header())).toString();
    } catch (KeySourceException unreachable) {
      status = 503;
      body = JSONObjectUtils.toJSONString(Map.of("error", "the keys cannot be read"));
    } catch (ParseException | JOSEException | BadJOSEException | RuntimeException error) {
      status = 401;
      body = JSONObjectUtils.toJSONString(Map.of("error", String.valueOf(error.getMessage())));
    }
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("content-type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    try (exchange) {
      exchange.getResponseBody().write(bytes);
    }
  }

  public static void main(String[] arguments) throws IOException {
    Map<String, String> settings = System.getenv();
    Main service = new Main(settings);
    int port = Integer.parseInt(settings.getOrDefault("PORT", "8000"));
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
    server.createContext("/", service::answer);
    server.setExecutor(Executors.newCachedThreadPool());
    server.start();
    System.out.println("listening on " + server.getAddress().getPort());
  }
}

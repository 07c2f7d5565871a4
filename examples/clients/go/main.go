// A client of RowndAuth: verifies, trades and renews tokens, and reads a user.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	authv1 "example.com/rownd-client/gen/rownd/auth/v1"
)

// For a call with all of its tries.
const deadline = 5 * time.Second

// Verify and GetUser may be asked again. Exchange never: what it trades works once.
const serviceConfig = `{"methodConfig": [{
	"name": [
		{"service": "rownd.auth.v1.RowndAuth", "method": "Verify"},
		{"service": "rownd.auth.v1.RowndAuth", "method": "GetUser"}
	],
	"retryPolicy": {
		"maxAttempts": 3,
		"initialBackoff": "0.1s",
		"maxBackoff": "1s",
		"backoffMultiplier": 2,
		"retryableStatusCodes": ["UNAVAILABLE"]
	}
}]}`

// callerSecret says who is calling, with every call.
type callerSecret string

func (secret callerSecret) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(secret)}, nil
}

// RequireTransportSecurity allows plain text: the server is on this machine.
func (callerSecret) RequireTransportSecurity() bool { return false }

type client struct{ stub authv1.RowndAuthClient }

func (c client) verify(token string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	answer, err := c.stub.Verify(ctx, &authv1.VerifyRequest{Token: token})
	if err != nil {
		return "", err
	}
	if identity := answer.GetIdentity(); identity != nil {
		return fmt.Sprintf("%s %s", identity.UserId, identity.AuthLevel), nil
	}
	return "denied " + answer.GetDenial().GetReason(), nil
}

func (c client) exchange(request *authv1.ExchangeRequest) (*authv1.Tokens, error) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	answer, err := c.stub.Exchange(ctx, request)
	return answer.GetTokens(), err
}

func (c client) thirdParty(token string) (*authv1.Tokens, error) {
	return c.exchange(&authv1.ExchangeRequest{Grant: &authv1.ExchangeRequest_ThirdPartyToken{
		ThirdPartyToken: &authv1.ThirdPartyTokenGrant{Token: token},
	}})
}

func (c client) refresh(token string) (*authv1.Tokens, error) {
	return c.exchange(&authv1.ExchangeRequest{Grant: &authv1.ExchangeRequest_RefreshToken{
		RefreshToken: &authv1.RefreshTokenGrant{RefreshToken: token},
	}})
}

func (c client) user(token string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	answer, err := c.stub.GetUser(ctx, &authv1.GetUserRequest{
		Subject:  &authv1.GetUserRequest_Token{Token: token},
		ReadMask: &fieldmaskpb.FieldMask{Paths: []string{"id", "data", "memberships"}},
	})
	if err != nil {
		return "", err
	}
	user := answer.GetUser()
	var groups []string
	for _, place := range user.GetMemberships() {
		groups = append(groups, place.GroupId)
	}
	email := user.GetData().GetFields()["email"].GetStringValue()
	return fmt.Sprintf("%s %s %s", user.GetId(), email, strings.Join(groups, ",")), nil
}

// explain gives the code of an error, its reason, and whether it is worth trying again.
func explain(err error) string {
	var reason, again string
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			reason = " " + detail.Reason
		case *errdetails.RetryInfo:
			again = fmt.Sprintf(", retry in %d ms", detail.GetRetryDelay().AsDuration().Milliseconds())
		}
	}
	return code.Code(status.Code(err)).String() + reason + again
}

func attempt(what string, call func() (string, error)) {
	said, err := call()
	if err != nil {
		said = explain(err)
	}
	fmt.Printf("%s: %s\n", what, said)
}

func main() {
	secret, err := os.ReadFile(os.Getenv("AUTHZ_SECRET_FILE"))
	if err != nil {
		log.Fatal(err)
	}
	channel, err := grpc.NewClient(os.Getenv("AUTHZ_TARGET"),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(callerSecret(strings.TrimSpace(string(secret)))),
		grpc.WithDefaultServiceConfig(serviceConfig))
	if err != nil {
		log.Fatal(err)
	}
	defer channel.Close()
	if len(os.Args) > 1 && os.Args[1] == "management" {
		manage(channel)
		return
	}
	c, token := client{authv1.NewRowndAuthClient(channel)}, os.Getenv("TOKEN")

	attempt("verify", func() (string, error) { return c.verify(token) })
	attempt("verify nonsense", func() (string, error) { return c.verify("nonsense") })
	attempt("exchange and refresh", func() (string, error) {
		tokens, err := c.thirdParty(os.Getenv("THIRD_PARTY_TOKEN"))
		if err != nil {
			return "", err
		}
		if tokens, err = c.refresh(tokens.GetRefreshToken()); err != nil {
			return "", err
		}
		return c.verify(tokens.GetAccessToken())
	})
	attempt("refresh nonsense", func() (string, error) {
		tokens, err := c.refresh("nonsense")
		if err != nil {
			return "", err
		}
		return c.verify(tokens.GetAccessToken())
	})
	attempt("user", func() (string, error) { return c.user(token) })
}

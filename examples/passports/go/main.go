// A service that knows its callers by passports. See ../README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

var forms = map[string]struct{ header, typ string }{
	"jwt":       {"X-Rownd-Passport", "rownd-passport+jwt"},
	"txn-token": {"Txn-Token", "txntoken+jwt"},
}

// A service is one audience, and the keys of one issuer.
type service struct {
	header, typ string
	keys        jwkset.Storage
	parser      *jwt.Parser
}

// key finds the key of a token, bound to its own algorithm.
func (s *service) key(token *jwt.Token) (any, error) {
	// Another token of the same issuer is no passport.
	if token.Header["typ"] != s.typ {
		return nil, errors.New("another typ")
	}
	kid, _ := token.Header["kid"].(string)
	key, err := s.keys.KeyRead(context.Background(), kid)
	if err != nil {
		return nil, err
	}
	if key.Marshal().ALG.String() != token.Method.Alg() {
		return nil, errors.New("another algorithm than that of the key")
	}
	return key.Key(), nil
}

// claims are those of a good passport.
func (s *service) claims(request *http.Request) (jwt.MapClaims, error) {
	passports := request.Header.Values(s.header)
	if len(passports) != 1 {
		return nil, errors.New("no passport, or several")
	}
	claims := jwt.MapClaims{}
	if _, err := s.parser.ParseWithClaims(passports[0], claims, s.key); err != nil {
		return nil, err
	}
	for _, name := range []string{"sub", "iat"} {
		if claims[name] == nil {
			return nil, fmt.Errorf("no %s", name)
		}
	}
	return claims, nil
}

func (s *service) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	response.Header().Set("content-type", "application/json")
	claims, err := s.claims(request)
	if err != nil {
		response.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(response).Encode(map[string]string{"error": err.Error()})
		return
	}
	_ = json.NewEncoder(response).Encode(claims)
}

func variable(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	form, known := forms[variable("FORM", "jwt")]
	if !known {
		log.Fatal("FORM is jwt or txn-token")
	}
	keys, err := jwkset.NewStorageFromHTTP(os.Getenv("JWKS_URL"), jwkset.HTTPClientStorageOptions{
		Ctx:             context.Background(),
		RefreshInterval: 5 * time.Minute,
	})
	if err != nil {
		log.Fatal(err)
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"ES256", "EdDSA"}),
		jwt.WithIssuer(os.Getenv("ISSUER")),
		jwt.WithAudience(os.Getenv("AUDIENCE")),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(5*time.Second),
	)
	listener, err := net.Listen("tcp", "127.0.0.1:"+variable("PORT", "8000"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, &service{form.header, form.typ, keys, parser}))
}

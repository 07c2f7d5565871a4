package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

const (
	issuerName = "urn:load"
	audience   = "load"
	receiverID = "https://authz.test/webhooks/idp"
	appID      = "app_load0000000000000000000001"
	revoked    = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
)

func newReader(text []byte) io.Reader { return bytes.NewReader(text) }

// A signer makes the tokens of the one issuer of a run. Every program of the run has the same seed.
type signer struct{ key ed25519.PrivateKey }

func newSigner(seed string) signer {
	digest := sha256.Sum256([]byte(seed))
	return signer{ed25519.NewKeyFromSeed(digest[:])}
}

type claims map[string]any

func encode(bytes []byte) string { return base64.RawURLEncoding.EncodeToString(bytes) }

func (s signer) sign(typ string, body claims) string {
	head, _ := json.Marshal(map[string]string{"alg": "EdDSA", "kid": "load-1", "typ": typ})
	payload, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	text := encode(head) + "." + encode(payload)
	return text + "." + encode(ed25519.Sign(s.key, []byte(text)))
}

// access is an access token with this id, of this user, that is an hour old: events of the run come later.
func (s signer) access(jti, user string) string {
	now := time.Now().Unix()
	return s.sign("JWT", claims{
		"iss": issuerName, "aud": audience, "sub": user, "jti": jti, "iat": now - 3600, "exp": now + 7200,
	})
}

// event is a security event token that ends the sessions of this user.
func (s signer) event(jti, user string) string {
	now := time.Now().Unix()
	return s.sign("secevent+jwt", claims{
		"iss": issuerName, "aud": []string{receiverID}, "iat": now, "jti": jti,
		"sub_id": claims{"format": "iss_sub", "iss": issuerName, "sub": user},
		"events": claims{revoked: claims{"event_timestamp": now}},
	})
}

// rownd is a token as Rownd gives it: an access token or a refresh token.
func (s signer) rownd(base, kind, jti, user string) string {
	now := time.Now().Unix()
	body := claims{
		"iss": base, "aud": []string{"app:" + appID}, "sub": user, "jti": jti, "iat": now - 10,
		"exp": now + 7200, "https://auth.rownd.io/app_user_id": user,
		"https://auth.rownd.io/is_verified_user": true, "https://auth.rownd.io/auth_level": "verified",
	}
	if kind != "" {
		body["https://auth.rownd.io/jwt_type"] = kind
		delete(body, "https://auth.rownd.io/auth_level")
	}
	return s.sign("JWT", body)
}

type seedOnly struct {
	Seed string `json:"seed"`
}

type keySet struct {
	Keys []map[string]string `json:"keys"`
}

func (s signer) keys() keySet {
	public := s.key.Public().(ed25519.PublicKey)
	return keySet{[]map[string]string{{
		"kty": "OKP", "crv": "Ed25519", "kid": "load-1", "alg": "EdDSA", "use": "sig", "x": encode(public),
	}}}
}

// publicKey is the key set of the issuer.
func publicKey(options seedOnly) (keySet, error) { return newSigner(options.Seed).keys(), nil }

// name is the id of the number that everybody who counts can make again.
func name(prefix string, number int) string { return fmt.Sprintf("%s-%07d", prefix, number) }

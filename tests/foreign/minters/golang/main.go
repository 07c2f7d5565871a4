// golang-jwt mints what it is told to; in and out as in pyjwt_mint.py.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"os"
	"runtime/debug"

	"github.com/golang-jwt/jwt/v5"
)

type order struct {
	Name   string         `json:"name"`
	Alg    string         `json:"alg"`
	Header map[string]any `json:"header"`
	Claims jwt.MapClaims  `json:"claims"`
}

type minted struct {
	Good   string `json:"good"`
	Forged string `json:"forged"`
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func text(bytes []byte) string {
	return base64.RawURLEncoding.EncodeToString(bytes)
}

func keys() map[string]crypto.Signer {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	return map[string]crypto.Signer{
		"EdDSA": must(ed, err),
		"ES256": must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		"RS256": must(rsa.GenerateKey(rand.Reader, 2048)),
	}
}

func publish(alg string, key crypto.Signer) map[string]string {
	jwk := map[string]string{"kid": "golang-" + alg, "alg": alg, "use": "sig"}
	switch public := key.Public().(type) {
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", text(public)
	case *ecdsa.PublicKey:
		point := must(public.Bytes())
		jwk["kty"], jwk["crv"] = "EC", "P-256"
		jwk["x"], jwk["y"] = text(point[1:33]), text(point[33:])
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"] = "RSA", text(public.N.Bytes())
		jwk["e"] = text(big.NewInt(int64(public.E)).Bytes())
	}
	return jwk
}

func mint(order order, key crypto.Signer) string {
	token := jwt.NewWithClaims(jwt.GetSigningMethod(order.Alg), order.Claims)
	token.Header["kid"] = "golang-" + order.Alg
	for name, value := range order.Header {
		token.Header[name] = value
	}
	return must(token.SignedString(key))
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	return info.Deps[0].Version
}

func main() {
	// Numbers stay as they are written: no time becomes 1.7e9.
	decoder := json.NewDecoder(os.Stdin)
	decoder.UseNumber()
	var asked struct {
		Orders []order `json:"orders"`
	}
	if err := decoder.Decode(&asked); err != nil {
		panic(err)
	}
	own, strangers := keys(), keys()
	published := []map[string]string{}
	for alg, key := range own {
		published = append(published, publish(alg, key))
	}
	tokens := map[string]minted{}
	for _, order := range asked.Orders {
		tokens[order.Name] = minted{mint(order, own[order.Alg]), mint(order, strangers[order.Alg])}
	}
	answer := map[string]any{"library": "golang-jwt " + version(), "keys": published, "tokens": tokens}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		panic(err)
	}
}

// Witnesses and logs that others wrote: the omniwitness's handler, its client,
// and Tessera's appender, which asks witnesses before it publishes.
//
//	serve NAME LOG-VKEY    a witness; prints its url and verifier key
//	key NAME               a log's signing key and verifier key
//	log DIR POLICY N       N more entries in a log (its key on stdin)
//	probe URL              what a witness answers to its client (key on stdin)
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	client "github.com/transparency-dev/witness/client/http"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return v
}

func serve(name, vkey string) {
	secret, plain, err := note.GenerateKey(rand.Reader, name)
	must(secret, err)
	signer := must(fnote.NewSignerForCosignatureV1(secret))
	log := must(note.NewVerifier(vkey))
	ctx := context.Background()
	w := must(witness.New(ctx, witness.Opts{
		Persistence: inmemory.New(),
		Signers:     []note.Signer{signer},
		VerifierForLog: func(_ context.Context, origin string) (note.Verifier, bool, error) {
			return log, origin == log.Name(), nil
		},
	}))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", witness.NewHTTPHandler(w).AddCheckpoint)
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	fmt.Printf("http://%s %s\n", l.Addr(), must(fnote.VKeyToCosignatureV1(plain)))
	must(0, http.Serve(l, mux))
}

func appendTo(dir, policy string, n int) {
	ctx := context.Background()
	signer := must(note.NewSigner(stdin()))
	driver := must(posix.New(ctx, posix.Config{Path: dir}))
	group := must(tessera.NewWitnessGroupFromPolicy(must(os.ReadFile(policy))))
	opts := tessera.NewAppendOptions().WithCheckpointSigner(signer).
		WithBatching(uint(n), 50*time.Millisecond).
		WithCheckpointInterval(100*time.Millisecond).
		WithWitnesses(group, &tessera.WitnessOptions{Timeout: 5 * time.Second})
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, opts)
	must(0, err)
	await := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 50*time.Millisecond)
	limited, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var futures []tessera.IndexFuture
	for i := range n {
		futures = append(futures, appender.Add(ctx, tessera.NewEntry(
			[]byte(fmt.Sprintf("entry %d of %d at %d", i, n, time.Now().UnixNano())))))
	}
	for _, f := range futures {
		_, _, err := await.Await(limited, f)
		must(0, err)
	}
	must(0, shutdown(ctx))
}

func stdin() string {
	return strings.TrimSpace(string(must(io.ReadAll(os.Stdin))))
}

// probe plays a log of numbers against a witness that knows it, and knows it
// not yet.
func probe(at string) {
	secret := stdin()
	signer := must(note.NewSigner(secret))
	other, _, err := note.GenerateKey(rand.Reader, "other.example")
	must(other, err)
	stranger := must(note.NewSigner(other))
	c := client.NewWitness(must(url.Parse(at)), http.DefaultClient)
	failed := 0
	say := func(want error, size uint64, what string, old uint64, cp []byte, proof [][]byte) {
		_, got, err := c.Update(context.Background(), old, cp, proof)
		if !errors.Is(err, want) || got != size {
			failed++
			fmt.Printf("FAIL %s: %v %d, not %v %d\n", what, err, got, want, size)
		}
	}
	cp := func(s note.Signer, n int64) []byte {
		text := fmt.Sprintf("%s\n%d\n%s\n", signer.Name(), n,
			base64.StdEncoding.EncodeToString(root(n)))
		return must(note.Sign(&note.Note{Text: text}, s))
	}
	alien := must(note.Sign(&note.Note{Text: "other.example\n1\n" +
		base64.StdEncoding.EncodeToString(root(1)) + "\n"}, stranger))
	say(witness.ErrUnknownLog, 0, "unknown log", 0, alien, nil)
	say(witness.ErrNoValidSignature, 0, "another's signature", 0, cp(stranger, 3), nil)
	say(witness.ErrOldSizeInvalid, 0, "old size too large", 4, cp(signer, 3), nil)
	say(nil, 0, "first", 0, cp(signer, 3), nil)
	say(witness.ErrCheckpointStale, 3, "stale", 0, cp(signer, 5), nil)
	say(witness.ErrInvalidProof, 0, "no proof", 3, cp(signer, 5), nil)
	say(nil, 0, "growth", 3, cp(signer, 5), prove(3, 5))
	say(nil, 0, "the same again", 5, cp(signer, 5), nil)
	say(nil, 0, "growth", 5, cp(signer, 700), prove(5, 700))
	say(witness.ErrCheckpointStale, 700, "rollback", 3, cp(signer, 5), prove(3, 5))
	fmt.Printf("%d passed, %d failed\n", 10-failed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}

type stored []tlog.Hash

func (s stored) ReadHashes(at []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range at {
		out = append(out, s[i])
	}
	return out, nil
}

func numbers(n int64) stored {
	var s stored
	for i := range n {
		s = append(s, must(tlog.StoredHashes(i, []byte(strconv.FormatInt(i, 10)), s))...)
	}
	return s
}

func root(n int64) []byte {
	h := must(tlog.TreeHash(n, numbers(n)))
	return h[:]
}

func prove(old, n int64) [][]byte {
	var out [][]byte
	for _, h := range must(tlog.ProveTree(n, old, numbers(n))) {
		out = append(out, h[:])
	}
	return out
}

func main() {
	switch a := os.Args[1:]; a[0] {
	case "serve":
		serve(a[1], a[2])
	case "key":
		secret, vkey, err := note.GenerateKey(rand.Reader, a[1])
		must(secret, err)
		fmt.Println(secret, vkey)
	case "log":
		appendTo(a[1], a[2], must(strconv.Atoi(a[3])))
	case "probe":
		probe(a[1])
	}
}

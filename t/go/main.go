// Clients that others wrote against a log that we wrote: Go's sumdb/note and
// sumdb/tlog, the cosignature verifier of transparency-dev/formats, Tessera's
// fsck.  Prints a line for each difference and last "N passed, N failed".
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var passed, failed int

func judge(err error, format string, args ...any) {
	if err == nil {
		passed++
		return
	}
	failed++
	fmt.Printf("FAIL %s: %v\n", fmt.Sprintf(format, args...), err)
}

func read(dir, name string) []byte {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		panic(err)
	}
	return b
}

// tiles reads our hash tiles for sumdb/tlog, whose paths name the height too.
type tiles struct{ dir string }

func (t tiles) Height() int { return 8 }

func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, w := range want {
		path := "tile/" + strings.TrimPrefix(w.Path(), "tile/8/")
		b, err := os.ReadFile(filepath.Join(t.dir, path))
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func leafHashes(bundle []byte) ([][]byte, error) {
	eb := &api.EntryBundle{}
	if err := eb.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var out [][]byte
	for _, e := range eb.Entries {
		out = append(out, rfc6962.DefaultHasher.HashLeaf(e))
	}
	return out, nil
}

func hashes(lines []string) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, l := range lines {
		var h tlog.Hash
		b, err := base64.StdEncoding.DecodeString(l)
		if err != nil || copy(h[:], b) != len(h) {
			return nil, fmt.Errorf("no hash: %q", l)
		}
		out = append(out, h)
	}
	return out, nil
}

// inclusion checks one of our proof files, and that Go makes the same proof.
func inclusion(dir, name string, tree tlog.Tree) error {
	text := string(read(dir, name))
	head, _, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	proof, err := hashes(lines[2:])
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, tiles{dir})
	theirs, err := tlog.ProveRecord(tree.N, index, reader)
	if err != nil {
		return err
	}
	if len(theirs) != len(proof) {
		return fmt.Errorf("%d hashes, not %d", len(proof), len(theirs))
	}
	for i := range proof {
		if proof[i] != theirs[i] {
			return fmt.Errorf("hash %d is another", i)
		}
	}
	leaf, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf[0])
}

func consistency(dir, name string, tree tlog.Tree) error {
	old, err := strconv.ParseInt(strings.TrimPrefix(name, "consistency-"), 10, 64)
	if err != nil {
		return err
	}
	proof, err := hashes(strings.Fields(string(read(dir, name))))
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(old, tlog.TileHashReader(tree, tiles{dir}))
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old, root)
}

// resign writes the same checkpoint under a key of Go's, for us to read.
func resign(dir, text string) error {
	origin, _, _ := strings.Cut(text, "\n")
	secret, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "vkey.go"), []byte(vkey), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "checkpoint.go"), signed, 0o644)
}

func main() {
	dir := os.Args[1]
	vkey, err := note.NewVerifier(string(read(dir, "vkey")))
	if err != nil {
		panic(err)
	}
	cosigner, err := fnote.NewVerifierForCosignatureV1(string(read(dir, "cosigner")))
	judge(err, "the cosigner's key")
	opened, err := note.Open(read(dir, "checkpoint"), note.VerifierList(vkey, cosigner))
	judge(err, "the checkpoint as a note")
	if err != nil || len(opened.Sigs) != 2 {
		judge(fmt.Errorf("%d good signatures", len(opened.Sigs)), "the checkpoint's signatures")
	}
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	judge(err, "the tree's size")
	root, err := hashes(lines[2:3])
	judge(err, "the root")
	tree := tlog.Tree{N: size, Hash: root[0]}
	entries, err := os.ReadDir(dir)
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		switch {
		case strings.HasSuffix(e.Name(), ".tlog-proof"):
			judge(inclusion(dir, e.Name(), tree), "%s", e.Name())
		case strings.HasPrefix(e.Name(), "consistency-"):
			judge(consistency(dir, e.Name(), tree), "%s", e.Name())
		}
	}
	check := fsck.New(vkey.Name(), vkey, client.FileFetcher{Root: dir}, leafHashes, fsck.Opts{N: 2})
	judge(check.Check(context.Background()), "Tessera's fsck")
	judge(resign(dir, opened.Text), "a note of Go's")
	if bytes.Contains(read(dir, "checkpoint"), []byte("\r")) {
		judge(fmt.Errorf("a carriage return"), "the checkpoint's bytes")
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}

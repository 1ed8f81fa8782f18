// Checks a published ledger with the Go project's own packages for notes and transparency logs.
//
//	go run check.go FOLDER LOG-KEY WITNESS-KEY
//
// FOLDER holds `ledger` with the files of a ledger and `proofs` with proofs about it, each beside its entry. What this
// program signs itself is left in FOLDER/signed-by-go, after the key that it was signed with.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	folder, logKey, witnessKey := os.Args[1], os.Args[2], os.Args[3]
	trusted := note.VerifierList(must(note.NewVerifier(logKey)), cosignatures(witnessKey))

	origin, tree := open(must(os.ReadFile(filepath.Join(folder, "ledger/checkpoint"))), trusted)
	reader := tlog.TileHashReader(tree, tiles(filepath.Join(folder, "ledger")))
	if root := must(tlog.TreeHash(tree.N, reader)); root != tree.Hash {
		log.Fatalf("root %v, checkpoint %v", root, tree.Hash)
	}
	entries := readEntries(folder, tree.N)
	for index, entry := range entries {
		proof := must(tlog.ProveRecord(tree.N, int64(index), reader))
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, int64(index), tlog.RecordHash(entry)))
	}
	for size := int64(1); size <= tree.N; size += 7 {
		proof := must(tlog.ProveTree(tree.N, size, reader))
		check(tlog.CheckTree(proof, tree.N, tree.Hash, size, treeOver(entries[:size])))
	}
	proofs := must(filepath.Glob(filepath.Join(folder, "proofs/*.tlog-proof")))
	for _, name := range proofs {
		checkProof(name, trusted)
	}
	sign(filepath.Join(folder, "signed-by-go"))
	fmt.Printf("%s: %d entries, %d proofs\n", origin, len(entries), len(proofs))
}

// open verifies a checkpoint by both keys and reads it.
func open(text []byte, trusted note.Verifiers) (string, tlog.Tree) {
	opened := must(note.Open(text, trusted))
	if len(opened.Sigs) != 2 {
		log.Fatalf("%d signatures by trusted keys", len(opened.Sigs))
	}
	lines := strings.Split(opened.Text, "\n")
	return lines[0], tlog.Tree{N: must(strconv.ParseInt(lines[1], 10, 64)), Hash: must(tlog.ParseHash(lines[2]))}
}

// checkProof verifies a file in the form of c2sp.org/tlog-proof@v1.
func checkProof(name string, trusted note.Verifiers) {
	head, checkpoint, _ := strings.Cut(string(must(os.ReadFile(name))), "\n\n")
	lines := strings.Split(head, "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		log.Fatalf("first line %q", lines[0])
	}
	index := must(strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64))
	var path tlog.RecordProof
	for _, line := range lines[2:] {
		path = append(path, must(tlog.ParseHash(line)))
	}
	_, tree := open([]byte(checkpoint), trusted)
	entry := must(os.ReadFile(strings.TrimSuffix(name, ".tlog-proof")))
	check(tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(entry)))
}

type tiles string

func (tiles) Height() int                         { return 8 }
func (tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}

func (folder tiles) ReadTiles(wanted []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range wanted {
		// The checksum database has the height in the path, c2sp.org/tlog-tiles has not.
		name := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		bytes, err := os.ReadFile(filepath.Join(string(folder), name))
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

func readEntries(folder string, size int64) (entries [][]byte) {
	for index := int64(0); index*256 < size; index++ {
		name := fmt.Sprintf("ledger/tile/entries/%03d", index)
		if rest := size - index*256; rest < 256 {
			name += fmt.Sprintf(".p/%d", rest)
		}
		bundle := must(os.ReadFile(filepath.Join(folder, name)))
		for len(bundle) > 0 {
			length := binary.BigEndian.Uint16(bundle)
			entries = append(entries, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
	}
	if int64(len(entries)) != size {
		log.Fatalf("%d entries of %d", len(entries), size)
	}
	return entries
}

func treeOver(entries [][]byte) tlog.Hash {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (hashes []tlog.Hash, err error) {
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	for index, entry := range entries {
		stored = append(stored, must(tlog.StoredHashes(int64(index), entry, reader))...)
	}
	return must(tlog.TreeHash(int64(len(entries)), reader))
}

// cosigner verifies c2sp.org/tlog-cosignature, which the Go project's package leaves to others.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func cosignatures(key string) note.Verifier {
	parts := strings.SplitN(key, "+", 3)
	bytes := must(base64.StdEncoding.DecodeString(parts[2]))
	if bytes[0] != 4 {
		log.Fatalf("a witness's key has type %d", bytes[0])
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), bytes...))
	hash := binary.BigEndian.Uint32(sum[:])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		log.Fatalf("a witness's key has hash %s and not %08x", parts[1], hash)
	}
	return cosigner{parts[0], hash, bytes[1:]}
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }

func (c cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	var message bytes.Buffer
	fmt.Fprintf(&message, "cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(signature), text)
	return ed25519.Verify(c.key, message.Bytes(), signature[8:])
}

func sign(name string) {
	secret, public, err := note.GenerateKey(rand.Reader, "go.example/log")
	check(err)
	text := "go.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
	signed := must(note.Sign(&note.Note{Text: text}, must(note.NewSigner(secret))))
	check(os.WriteFile(name, append([]byte(public+"\n"), signed...), 0o666))
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A Cloud Storage emulator for tests: fake-gcs-server, with behaviour that Google documents and fake-gcs-server lacks (docs/peers.md):
//
//   - compose respects ifGenerationMatch, and the generations and preconditions of its sources;
//   - delete respects ifGenerationMatch;
//   - a resumable upload reports its progress, verifies the announced checksum over all pieces, can be cancelled, and ends when the object
//     exists.
//
// fake-gcs-server handles all other requests. Usage: gcs-emulator <port> <directory>
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

var (
	contentRange = regexp.MustCompile(`^bytes (?:(\d+)-(\d+)|\*)/(\d+)$`)
	castagnoli   = crc32.MakeTable(crc32.Castagnoli)
)

// session is the progress of a resumable upload.
type session struct {
	announced string
	crc       uint32
	offset    int64
	result    *httptest.ResponseRecorder
}

type emulator struct {
	inner http.Handler
	// Makes a check and the following write atomic.
	mutex    sync.Mutex
	sessions map[string]*session
}

func main() {
	port, directory := os.Args[1], os.Args[2]
	address := "127.0.0.1:" + port
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		NoListener:  true,
		StorageRoot: directory,
		ExternalURL: "http://" + address,
		PublicHost:  address,
	})
	if err != nil {
		log.Fatal(err)
	}
	handler := &emulator{inner: server.HTTPHandler(), sessions: map[string]*session{}}
	log.Fatal(http.ListenAndServe(address, handler))
}

func (e *emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		e.inner.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	r.Body = io.NopCloser(bytes.NewReader(body))
	switch {
	case r.URL.Query().Get("upload_id") != "":
		e.putPiece(w, r, body)
	case r.URL.Query().Get("uploadType") == "resumable":
		e.openSession(w, r, body)
	case strings.HasSuffix(r.URL.EscapedPath(), "/compose"):
		e.compose(w, r, body)
	case r.Method == http.MethodDelete:
		if expected := r.URL.Query().Get("ifGenerationMatch"); expected != "" {
			if !e.isAt(w, r.URL.EscapedPath(), expected) {
				return
			}
		}
		e.inner.ServeHTTP(w, r)
	default:
		e.inner.ServeHTTP(w, r)
	}
}

func (e *emulator) compose(w http.ResponseWriter, r *http.Request, body []byte) {
	var request struct {
		SourceObjects []struct {
			Name                string
			Generation          string
			ObjectPreconditions struct{ IfGenerationMatch string }
		}
	}
	if err := json.Unmarshal(body, &request); err != nil {
		refuse(w, http.StatusBadRequest, "parseError", err.Error())
		return
	}
	target := strings.TrimSuffix(r.URL.EscapedPath(), "/compose")
	if expected := r.URL.Query().Get("ifGenerationMatch"); expected != "" && !e.isAt(w, target, expected) {
		return
	}
	bucket := target[:strings.Index(target, "/o/")+len("/o/")]
	for _, source := range request.SourceObjects {
		path := bucket + url.PathEscape(source.Name)
		if source.Generation != "" && e.generation(path) != source.Generation {
			refuse(w, http.StatusNotFound, "notFound", "No such object: "+source.Name)
			return
		}
		if expected := source.ObjectPreconditions.IfGenerationMatch; expected != "" && !e.isAt(w, path, expected) {
			return
		}
	}
	e.inner.ServeHTTP(w, r)
}

func (e *emulator) openSession(w http.ResponseWriter, r *http.Request, body []byte) {
	var resource struct{ Crc32c string }
	_ = json.Unmarshal(body, &resource)
	recorder := httptest.NewRecorder()
	e.inner.ServeHTTP(recorder, r)
	if location, err := url.Parse(recorder.Header().Get("Location")); err == nil {
		e.sessions[location.Query().Get("upload_id")] = &session{announced: resource.Crc32c}
	}
	replay(w, recorder)
}

func (e *emulator) putPiece(w http.ResponseWriter, r *http.Request, body []byte) {
	id := r.URL.Query().Get("upload_id")
	found := e.sessions[id]
	if found == nil {
		refuse(w, http.StatusNotFound, "notFound", "no such session")
		return
	}
	if r.Method == http.MethodDelete {
		delete(e.sessions, id)
		w.WriteHeader(499)
		return
	}
	if found.result != nil {
		replay(w, found.result)
		return
	}
	match := contentRange.FindStringSubmatch(r.Header.Get("Content-Range"))
	if match == nil {
		refuse(w, http.StatusBadRequest, "invalid", "Content-Range")
		return
	}
	total, _ := strconv.ParseInt(match[3], 10, 64)
	start, _ := strconv.ParseInt(match[1], 10, 64)
	if match[1] == "" || start > found.offset {
		found.tell(w)
		return
	}
	// Skip bytes that the session already has.
	rest := body[min(found.offset-start, int64(len(body))):]
	isLast := start+int64(len(body)) == total
	if !isLast {
		rest = rest[:len(rest)-(int(found.offset)+len(rest))%(256*1024)]
	}
	crc := crc32.Update(found.crc, castagnoli, rest)
	if isLast && found.announced != "" && found.announced != encode(crc) {
		delete(e.sessions, id)
		refuse(w, http.StatusBadRequest, "invalid", fmt.Sprintf("Provided CRC32C %q doesn't match calculated CRC32C %q.", found.announced, encode(crc)))
		return
	}
	end := found.offset + int64(len(rest))
	if len(rest) > 0 {
		r.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", found.offset, end-1, total))
	}
	r.Body = io.NopCloser(bytes.NewReader(rest))
	recorder := httptest.NewRecorder()
	e.inner.ServeHTTP(recorder, r)
	if recorder.Code == http.StatusPermanentRedirect {
		found.crc, found.offset = crc, end
		found.tell(w)
		return
	}
	if recorder.Code == http.StatusOK {
		found.result = recorder
	}
	replay(w, recorder)
}

func (s *session) tell(w http.ResponseWriter) {
	if s.offset > 0 {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", s.offset-1))
	}
	w.WriteHeader(http.StatusPermanentRedirect)
}

// isAt returns whether an object has a generation, where 0 means no object. If not, it responds to the request with 412.
func (e *emulator) isAt(w http.ResponseWriter, path, expected string) bool {
	found := e.generation(path)
	if found == expected {
		return true
	}
	refuse(w, http.StatusPreconditionFailed, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
	return false
}

func (e *emulator) generation(path string) string {
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil)
	e.inner.ServeHTTP(recorder, request)
	var object struct{ Generation string }
	if recorder.Code != http.StatusOK || json.Unmarshal(recorder.Body.Bytes(), &object) != nil {
		return "0"
	}
	return object.Generation
}

func refuse(w http.ResponseWriter, status int, reason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
		"code": status, "message": message, "errors": []map[string]string{{"reason": reason, "message": message}},
	}})
}

func replay(w http.ResponseWriter, recorder *httptest.ResponseRecorder) {
	for name, values := range recorder.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(recorder.Body.Bytes())
}

func encode(crc uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc))
}

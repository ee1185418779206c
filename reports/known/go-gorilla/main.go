// Event streams on Go's net/http, in the plain style, and WebSockets on gorilla/websocket, in the style of its examples.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

type news struct {
	Data  string
	Id    *string
	Event *string
}

var (
	mutex       sync.Mutex
	subscribers = map[string]map[chan news]bool{}
	upgrader    = websocket.Upgrader{}
)

func subscribe(channel string) chan news {
	mutex.Lock()
	defer mutex.Unlock()
	if subscribers[channel] == nil {
		subscribers[channel] = map[chan news]bool{}
	}
	subscriber := make(chan news, 1024)
	subscribers[channel][subscriber] = true
	return subscriber
}

func unsubscribe(channel string, subscriber chan news) {
	mutex.Lock()
	defer mutex.Unlock()
	delete(subscribers[channel], subscriber)
}

func events(w http.ResponseWriter, r *http.Request) {
	flusher, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "no streaming here", http.StatusInternalServerError)
		return
	}
	channel := strings.TrimPrefix(r.URL.Path, "/events/")
	subscriber := subscribe(channel)
	defer unsubscribe(channel, subscriber)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	flusher.Flush()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
			fmt.Fprint(w, ": still here\n\n")
		case news := <-subscriber:
			if news.Id != nil {
				fmt.Fprintf(w, "id: %s\n", *news.Id)
			}
			if news.Event != nil {
				fmt.Fprintf(w, "event: %s\n", *news.Event)
			}
			for _, line := range strings.Split(news.Data, "\n") {
				fmt.Fprintf(w, "data: %s\n", line)
			}
			fmt.Fprint(w, "\n")
		}
		flusher.Flush()
	}
}

func publish(w http.ResponseWriter, r *http.Request) {
	var message news
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	mutex.Lock()
	defer mutex.Unlock()
	for subscriber := range subscribers[strings.TrimPrefix(r.URL.Path, "/publish/")] {
		subscriber <- message
	}
	w.WriteHeader(http.StatusNoContent)
}

func echo(w http.ResponseWriter, r *http.Request) {
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer socket.Close()
	for {
		kind, message, err := socket.ReadMessage()
		if err != nil || socket.WriteMessage(kind, message) != nil {
			return
		}
	}
}

func listen(w http.ResponseWriter, r *http.Request) {
	channel := strings.TrimPrefix(r.URL.Path, "/news/")
	subscriber := subscribe(channel)
	defer unsubscribe(channel, subscriber)
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer socket.Close()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			if _, _, err := socket.ReadMessage(); err != nil {
				return
			}
		}
	}()
	for {
		select {
		case <-gone:
			return
		case news := <-subscriber:
			if socket.WriteMessage(websocket.TextMessage, []byte(news.Data)) != nil {
				return
			}
		}
	}
}

func main() {
	http.HandleFunc("/events/", events)
	http.HandleFunc("/publish/", publish)
	http.HandleFunc("/echo", echo)
	http.HandleFunc("/news/", listen)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/mesh"
	"github.com/sockeye-io/sockeye/socketio/adapter/nats"
	"github.com/sockeye-io/sockeye/socketio/adapter/redis"
)

// forwarding has requests for other nodes' sessions passed on, if there is a
// CLUSTER_SECRET.
func forwarding() (o socketio.ClusterOptions) {
	if secret := os.Getenv("CLUSTER_SECRET"); secret != "" {
		o.Secret, o.Advertise = []byte(secret), "http://127.0.0.1:"+os.Getenv("PORT")
	}
	return o
}

// cluster is the adapter that CLUSTER names, nil for a server alone. With
// mesh://, this node listens MESH_OFFSET ports above PORT.
func cluster() (adapter.Adapter, error) {
	url, prefix := os.Getenv("CLUSTER"), os.Getenv("CLUSTER_PREFIX")
	scheme, rest, _ := strings.Cut(url, "://")
	switch scheme {
	case "":
		return nil, nil
	case "redis", "redis+streams", "redis+sharded":
		return redis.FromURL(url, redis.Options{Prefix: prefix})
	case "nats":
		o, err := nats.ParseURL(url)
		if err != nil {
			return nil, err
		}
		o.Prefix = prefix
		return nats.New(o)
	case "mesh":
		port, err := strconv.Atoi(os.Getenv("PORT"))
		if err != nil {
			return nil, fmt.Errorf("PORT: %w", err)
		}
		offset, err := strconv.Atoi(os.Getenv("MESH_OFFSET"))
		if err != nil {
			return nil, fmt.Errorf("MESH_OFFSET: %w", err)
		}
		return mesh.New(mesh.Options{
			Nodes: strings.Split(rest, ","), Listen: net.JoinHostPort("127.0.0.1", strconv.Itoa(port+offset)), Prefix: prefix,
		})
	}
	return nil, fmt.Errorf("CLUSTER=%s: not measured", url)
}

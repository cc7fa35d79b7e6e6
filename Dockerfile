# The program with its pages, its documents and the browser's side in one static
# file, and nothing else: no shell, no packages, no root.
#
#   docker build -t sockeye --build-arg VERSION=v1.2.3 --build-arg COMMIT=$(git rev-parse HEAD) .
#   docker run --read-only --cap-drop ALL -p 3000:3000 sockeye
#
# Building asks for Go modules and npm packages, each checked against its hash.

FROM node:20-bookworm-slim AS client
WORKDIR /src
COPY scripts/client scripts/lib.sh scripts/
COPY server/clientdist server/clientdist
RUN scripts/client

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=client /src/server/clientdist/dist server/clientdist/dist
ARG VERSION=""
ARG COMMIT=""
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.givenVersion=$VERSION -X main.givenCommit=$COMMIT" -o /sockeye .

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /sockeye /sockeye
USER 65532:65532
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=20s CMD ["/sockeye", "doctor", "http://127.0.0.1:3000"]
ENTRYPOINT ["/sockeye"]

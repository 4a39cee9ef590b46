# Builds the image from these sources: docker build --build-arg VERSION=v0.2.0 -t wasm-xds .
FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=
ARG COMMIT=
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY cmd cmd
COPY internal internal
COPY pkg pkg
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -o /out/usr/bin/wasm-xds -ldflags "-s -w \
    -X github.com/wasm-xds/wasm-xds/internal/cli/build.stampedVersion=$VERSION \
    -X github.com/wasm-xds/wasm-xds/internal/cli/build.stampedCommit=$COMMIT" ./cmd/wasm-xds
# The image has no shell, so its directories are made here.
RUN mkdir -p /out/var/lib/wasm-xds /out/run/wasm-xds /out/etc/wasm-xds/filters

# The image has CA certificates, time zones and the user nonroot (65532), but no shell.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build --chown=65532:65532 /out/ /
ENV WASM_XDS_STATE_DIR=/var/lib/wasm-xds
VOLUME /var/lib/wasm-xds
USER 65532:65532
ENTRYPOINT ["/usr/bin/wasm-xds"]
CMD ["serve", "/etc/wasm-xds/filters"]

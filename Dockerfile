# The image of a working copy, for compose.yaml. `make package` builds the images of releases without a network and
# without this file; packaging/image_test.go holds both to one configuration.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/usr/bin/chaveiro ./cmd/chaveiro \
    && mkdir -p /out/etc/ssl/certs && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
    && echo 'chaveiro:x:65532:65532:Chaveiro:/data:/sbin/nologin' >/out/etc/passwd \
    && echo 'chaveiro:x:65532:' >/out/etc/group \
    && install -d -m 1777 /out/tmp && install -d -m 0700 -o 65532 -g 65532 /out/data

FROM scratch
COPY --from=build /out/ /
USER 65532:65532
ENV PATH=/usr/bin CHAVEIRO_DATA_DIR=/data CHAVEIRO_LISTEN=0.0.0.0:8080
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/usr/bin/chaveiro"]
CMD ["serve"]

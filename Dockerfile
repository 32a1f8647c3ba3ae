FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /out/chaveiro ./cmd/chaveiro && mkdir -m 0700 /out/data

FROM debian:stable-slim
COPY --from=build /out/chaveiro /usr/local/bin/chaveiro
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV CHAVEIRO_DATA_DIR=/data CHAVEIRO_LISTEN=0.0.0.0:8080
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["chaveiro"]
CMD ["serve"]

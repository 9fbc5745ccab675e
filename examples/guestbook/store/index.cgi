#!/bin/sh
# The store: one line of /data/entries for each entry. Writing needs the token.
if [ "$REQUEST_METHOD" = POST ]; then
  entry=$(head -c "${CONTENT_LENGTH:-0}" | tr -d '\r\n')
  if [ "$HTTP_X_TOKEN" != "$STORE_TOKEN" ]; then printf 'Status: 403 Forbidden\r\n\r\nThe token is wrong.\n'; exit; fi
  echo "$entry" >>/data/entries && sync
fi
printf 'Content-Type: text/plain\r\n\r\n'
[ ! -f /data/entries ] || cat /data/entries

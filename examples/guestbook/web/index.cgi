#!/bin/sh
# The front end: shows the entries of the store, and hands new ones to it with the token that only it and the store know.
store=http://store:8080/
if [ "$REQUEST_METHOD" = POST ]; then
  entry=$(head -c "${CONTENT_LENGTH:-0}")
  wget -q -O /dev/null --header "X-Token: $STORE_TOKEN" --post-data "$entry" "$store" || { printf 'Status: 502 Bad Gateway\r\n\r\nThe store does not answer.\n'; exit; }
fi
entries=$(wget -q -O - "$store") || { printf 'Status: 502 Bad Gateway\r\n\r\nThe store does not answer.\n'; exit; }
printf 'Content-Type: text/plain\r\n\r\n'
echo "$(cat /etc/guestbook/title)"
echo "$entries"
echo "-- web $(cat /www/version) on $(hostname)"

/** The part of etcd's v3 API that a store needs: names, types and numbers of `etcdserverpb` and `mvccpb`. */
import protobuf from 'protobufjs';

const source = `
syntax = "proto3";
package etcdserverpb;

message KeyValue { bytes key = 1; int64 create_revision = 2; int64 mod_revision = 3; bytes value = 5; int64 lease = 6; }
message Event { int32 type = 1; KeyValue kv = 2; KeyValue prev_kv = 3; }
message ResponseHeader { int64 revision = 3; }

service KV {
  rpc Range(RangeRequest) returns (RangeResponse);
  rpc Txn(TxnRequest) returns (TxnResponse);
  rpc Compact(CompactionRequest) returns (CompactionResponse);
}
message RangeRequest { bytes key = 1; bytes range_end = 2; int64 limit = 3; int64 revision = 4; bool count_only = 9; }
message RangeResponse { ResponseHeader header = 1; repeated KeyValue kvs = 2; bool more = 3; int64 count = 4; }
message PutRequest { bytes key = 1; bytes value = 2; int64 lease = 3; }
message DeleteRangeRequest { bytes key = 1; }
message RequestOp {
  oneof request { RangeRequest request_range = 1; PutRequest request_put = 2; DeleteRangeRequest request_delete_range = 3; }
}
message ResponseOp { oneof response { RangeResponse response_range = 1; } }
message Compare {
  enum CompareResult { EQUAL = 0; }
  enum CompareTarget { VERSION = 0; CREATE = 1; MOD = 2; }
  CompareResult result = 1;
  CompareTarget target = 2;
  bytes key = 3;
  oneof target_union { int64 mod_revision = 6; }
}
message TxnRequest { repeated Compare compare = 1; repeated RequestOp success = 2; repeated RequestOp failure = 3; }
message TxnResponse { ResponseHeader header = 1; bool succeeded = 2; repeated ResponseOp responses = 3; }
message CompactionRequest { int64 revision = 1; }
message CompactionResponse { ResponseHeader header = 1; }

service Watch { rpc Watch(stream WatchRequest) returns (stream WatchResponse); }
message WatchRequest { oneof request_union { WatchCreateRequest create_request = 1; WatchProgressRequest progress_request = 3; } }
message WatchCreateRequest { bytes key = 1; bytes range_end = 2; int64 start_revision = 3; bool progress_notify = 4; bool prev_kv = 6; }
message WatchProgressRequest {}
message WatchResponse {
  ResponseHeader header = 1;
  bool created = 3;
  bool canceled = 4;
  int64 compact_revision = 5;
  string cancel_reason = 6;
  repeated Event events = 11;
}

service Lease {
  rpc LeaseGrant(LeaseGrantRequest) returns (LeaseGrantResponse);
  rpc LeaseTimeToLive(LeaseTimeToLiveRequest) returns (LeaseTimeToLiveResponse);
}
message LeaseGrantRequest { int64 TTL = 1; }
message LeaseGrantResponse { int64 ID = 2; }
message LeaseTimeToLiveRequest { int64 ID = 1; }
message LeaseTimeToLiveResponse { int64 TTL = 3; }

service Maintenance { rpc Status(StatusRequest) returns (StatusResponse); }
message StatusRequest {}
message StatusResponse { int64 dbSize = 3; }
`;

export interface Method {
  path: string;
  request: protobuf.Type;
  response: protobuf.Type;
}

const { root } = protobuf.parse(source, { keepCase: true });

/** `name` is `Service/Method`. */
export function etcdMethod(name: string): Method {
  const [service = '', method = ''] = name.split('/');
  const { requestType, responseType } = root.lookupService(`etcdserverpb.${service}`).methods[method] ?? {};
  if (!requestType || !responseType) throw new Error(`etcd: no method ${name} in the protocol`);
  return {
    path: `/etcdserverpb.${service}/${method}`,
    request: root.lookupType(`etcdserverpb.${requestType}`),
    response: root.lookupType(`etcdserverpb.${responseType}`),
  };
}

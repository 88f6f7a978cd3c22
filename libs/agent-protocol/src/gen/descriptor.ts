// Generated from proto/gantry/agent/v1/agent.proto.
export default {
  "nested": {
    "gantry": {
      "nested": {
        "agent": {
          "nested": {
            "v1": {
              "nested": {
                "Enrollment": {
                  "methods": {
                    "Join": {
                      "requestType": "JoinRequest",
                      "responseType": "Certificate"
                    },
                    "Renew": {
                      "requestType": "RenewRequest",
                      "responseType": "Certificate"
                    }
                  }
                },
                "AgentGateway": {
                  "methods": {
                    "Session": {
                      "requestType": "AgentMessage",
                      "requestStream": true,
                      "responseType": "ControlMessage",
                      "responseStream": true
                    },
                    "Relay": {
                      "requestType": "Frame",
                      "requestStream": true,
                      "responseType": "Frame",
                      "responseStream": true
                    }
                  }
                },
                "JoinRequest": {
                  "fields": {
                    "token": {
                      "type": "string",
                      "id": 1
                    },
                    "nodeName": {
                      "type": "string",
                      "id": 2
                    },
                    "csrPem": {
                      "type": "string",
                      "id": 3
                    }
                  }
                },
                "RenewRequest": {
                  "fields": {
                    "csrPem": {
                      "type": "string",
                      "id": 1
                    }
                  }
                },
                "Certificate": {
                  "fields": {
                    "certificatePem": {
                      "type": "string",
                      "id": 1
                    },
                    "caPem": {
                      "type": "string",
                      "id": 2
                    },
                    "notAfterUnixSeconds": {
                      "type": "int64",
                      "id": 3
                    }
                  }
                },
                "AgentMessage": {
                  "oneofs": {
                    "message": {
                      "oneof": [
                        "hello",
                        "heartbeat",
                        "podStatus",
                        "nodeStatus",
                        "event",
                        "podGone",
                        "blobQuery",
                        "blobReport",
                        "peerCheck"
                      ]
                    }
                  },
                  "fields": {
                    "hello": {
                      "type": "Hello",
                      "id": 1
                    },
                    "heartbeat": {
                      "type": "Heartbeat",
                      "id": 2
                    },
                    "podStatus": {
                      "type": "PodStatus",
                      "id": 3
                    },
                    "nodeStatus": {
                      "type": "NodeStatus",
                      "id": 4
                    },
                    "event": {
                      "type": "Event",
                      "id": 5
                    },
                    "podGone": {
                      "type": "PodGone",
                      "id": 6
                    },
                    "blobQuery": {
                      "type": "BlobQuery",
                      "id": 7
                    },
                    "blobReport": {
                      "type": "BlobReport",
                      "id": 8
                    },
                    "peerCheck": {
                      "type": "PeerCheck",
                      "id": 9
                    }
                  }
                },
                "Hello": {
                  "fields": {
                    "agentVersion": {
                      "type": "string",
                      "id": 1
                    },
                    "nodeJson": {
                      "type": "bytes",
                      "id": 2
                    },
                    "pods": {
                      "rule": "repeated",
                      "type": "PodRef",
                      "id": 3
                    },
                    "bootId": {
                      "type": "string",
                      "id": 4
                    },
                    "peerPort": {
                      "type": "uint32",
                      "id": 5
                    }
                  }
                },
                "PodRef": {
                  "fields": {
                    "uid": {
                      "type": "string",
                      "id": 1
                    },
                    "namespace": {
                      "type": "string",
                      "id": 2
                    },
                    "name": {
                      "type": "string",
                      "id": 3
                    },
                    "generation": {
                      "type": "int64",
                      "id": 4
                    }
                  }
                },
                "Heartbeat": {
                  "fields": {
                    "sequence": {
                      "type": "uint64",
                      "id": 1
                    },
                    "node": {
                      "type": "NodeMetrics",
                      "id": 2
                    },
                    "pods": {
                      "rule": "repeated",
                      "type": "PodMetrics",
                      "id": 3
                    }
                  }
                },
                "NodeMetrics": {
                  "fields": {
                    "cpuUsageNanos": {
                      "type": "uint64",
                      "id": 1
                    },
                    "memoryWorkingSetBytes": {
                      "type": "uint64",
                      "id": 2
                    },
                    "diskAvailableBytes": {
                      "type": "uint64",
                      "id": 3
                    },
                    "timestampUnixMillis": {
                      "type": "int64",
                      "id": 4
                    }
                  }
                },
                "PodMetrics": {
                  "fields": {
                    "uid": {
                      "type": "string",
                      "id": 1
                    },
                    "containers": {
                      "rule": "repeated",
                      "type": "ContainerMetrics",
                      "id": 2
                    }
                  }
                },
                "ContainerMetrics": {
                  "fields": {
                    "name": {
                      "type": "string",
                      "id": 1
                    },
                    "cpuUsageNanos": {
                      "type": "uint64",
                      "id": 2
                    },
                    "memoryWorkingSetBytes": {
                      "type": "uint64",
                      "id": 3
                    },
                    "throttledNanos": {
                      "type": "uint64",
                      "id": 4
                    },
                    "pids": {
                      "type": "uint32",
                      "id": 5
                    }
                  }
                },
                "PodStatus": {
                  "fields": {
                    "pod": {
                      "type": "PodRef",
                      "id": 1
                    },
                    "statusJson": {
                      "type": "bytes",
                      "id": 2
                    }
                  }
                },
                "NodeStatus": {
                  "fields": {
                    "statusJson": {
                      "type": "bytes",
                      "id": 1
                    }
                  }
                },
                "Event": {
                  "fields": {
                    "eventJson": {
                      "type": "bytes",
                      "id": 1
                    }
                  }
                },
                "PodGone": {
                  "fields": {
                    "pod": {
                      "type": "PodRef",
                      "id": 1
                    }
                  }
                },
                "ControlMessage": {
                  "oneofs": {
                    "message": {
                      "oneof": [
                        "snapshot",
                        "assign",
                        "release",
                        "resource",
                        "routes",
                        "openStream",
                        "cancelStream",
                        "registered",
                        "blobSources",
                        "peerVerdict"
                      ]
                    }
                  },
                  "fields": {
                    "snapshot": {
                      "type": "Snapshot",
                      "id": 1
                    },
                    "assign": {
                      "type": "Assign",
                      "id": 2
                    },
                    "release": {
                      "type": "Release",
                      "id": 3
                    },
                    "resource": {
                      "type": "Resource",
                      "id": 4
                    },
                    "routes": {
                      "type": "Routes",
                      "id": 5
                    },
                    "openStream": {
                      "type": "OpenStream",
                      "id": 6
                    },
                    "cancelStream": {
                      "type": "CancelStream",
                      "id": 7
                    },
                    "registered": {
                      "type": "Registered",
                      "id": 8
                    },
                    "blobSources": {
                      "type": "BlobSources",
                      "id": 9
                    },
                    "peerVerdict": {
                      "type": "PeerVerdict",
                      "id": 10
                    }
                  }
                },
                "Registered": {
                  "fields": {
                    "nodeJson": {
                      "type": "bytes",
                      "id": 1
                    },
                    "heartbeatMillis": {
                      "type": "uint32",
                      "id": 2
                    },
                    "clusterCidr": {
                      "type": "string",
                      "id": 3
                    }
                  }
                },
                "Snapshot": {
                  "fields": {
                    "resources": {
                      "rule": "repeated",
                      "type": "Resource",
                      "id": 1
                    },
                    "pods": {
                      "rule": "repeated",
                      "type": "Assign",
                      "id": 2
                    },
                    "more": {
                      "type": "bool",
                      "id": 3
                    }
                  }
                },
                "Assign": {
                  "fields": {
                    "pod": {
                      "type": "PodRef",
                      "id": 1
                    },
                    "podJson": {
                      "type": "bytes",
                      "id": 2
                    }
                  }
                },
                "Release": {
                  "fields": {
                    "pod": {
                      "type": "PodRef",
                      "id": 1
                    }
                  }
                },
                "Resource": {
                  "fields": {
                    "kind": {
                      "type": "string",
                      "id": 1
                    },
                    "namespace": {
                      "type": "string",
                      "id": 2
                    },
                    "name": {
                      "type": "string",
                      "id": 3
                    },
                    "resourceVersion": {
                      "type": "string",
                      "id": 4
                    },
                    "objectJson": {
                      "type": "bytes",
                      "id": 5
                    },
                    "deleted": {
                      "type": "bool",
                      "id": 6
                    }
                  }
                },
                "Routes": {
                  "fields": {
                    "routes": {
                      "rule": "repeated",
                      "type": "Route",
                      "id": 1
                    }
                  }
                },
                "Route": {
                  "fields": {
                    "nodeName": {
                      "type": "string",
                      "id": 1
                    },
                    "podCidr": {
                      "type": "string",
                      "id": 2
                    },
                    "via": {
                      "type": "string",
                      "id": 3
                    }
                  }
                },
                "BlobQuery": {
                  "fields": {
                    "id": {
                      "type": "uint64",
                      "id": 1
                    },
                    "digest": {
                      "type": "string",
                      "id": 2
                    }
                  }
                },
                "BlobReport": {
                  "fields": {
                    "reset": {
                      "type": "bool",
                      "id": 1
                    },
                    "have": {
                      "rule": "repeated",
                      "type": "string",
                      "id": 2
                    },
                    "gone": {
                      "rule": "repeated",
                      "type": "string",
                      "id": 3
                    },
                    "left": {
                      "rule": "repeated",
                      "type": "string",
                      "id": 4
                    }
                  }
                },
                "BlobSources": {
                  "fields": {
                    "id": {
                      "type": "uint64",
                      "id": 1
                    },
                    "peers": {
                      "rule": "repeated",
                      "type": "Peer",
                      "id": 2
                    },
                    "waitingFor": {
                      "type": "string",
                      "id": 3
                    }
                  }
                },
                "Peer": {
                  "fields": {
                    "nodeName": {
                      "type": "string",
                      "id": 1
                    },
                    "address": {
                      "type": "string",
                      "id": 2
                    }
                  }
                },
                "PeerCheck": {
                  "fields": {
                    "id": {
                      "type": "uint64",
                      "id": 1
                    },
                    "nodeName": {
                      "type": "string",
                      "id": 2
                    },
                    "image": {
                      "type": "string",
                      "id": 3
                    }
                  }
                },
                "PeerVerdict": {
                  "fields": {
                    "id": {
                      "type": "uint64",
                      "id": 1
                    },
                    "refusal": {
                      "type": "string",
                      "id": 2
                    }
                  }
                },
                "OpenStream": {
                  "oneofs": {
                    "request": {
                      "oneof": [
                        "log",
                        "exec",
                        "attach",
                        "image"
                      ]
                    }
                  },
                  "fields": {
                    "streamId": {
                      "type": "string",
                      "id": 1
                    },
                    "pod": {
                      "type": "PodRef",
                      "id": 2
                    },
                    "container": {
                      "type": "string",
                      "id": 3
                    },
                    "log": {
                      "type": "LogRequest",
                      "id": 4
                    },
                    "exec": {
                      "type": "ExecRequest",
                      "id": 5
                    },
                    "attach": {
                      "type": "AttachRequest",
                      "id": 6
                    },
                    "image": {
                      "type": "ImageRequest",
                      "id": 7
                    }
                  }
                },
                "CancelStream": {
                  "fields": {
                    "streamId": {
                      "type": "string",
                      "id": 1
                    }
                  }
                },
                "LogRequest": {
                  "fields": {
                    "follow": {
                      "type": "bool",
                      "id": 1
                    },
                    "previous": {
                      "type": "bool",
                      "id": 2
                    },
                    "timestamps": {
                      "type": "bool",
                      "id": 3
                    },
                    "tailLines": {
                      "type": "int64",
                      "id": 4
                    },
                    "sinceUnixMillis": {
                      "type": "int64",
                      "id": 5
                    },
                    "limitBytes": {
                      "type": "int64",
                      "id": 6
                    }
                  }
                },
                "ExecRequest": {
                  "fields": {
                    "command": {
                      "rule": "repeated",
                      "type": "string",
                      "id": 1
                    },
                    "stdin": {
                      "type": "bool",
                      "id": 2
                    },
                    "stdout": {
                      "type": "bool",
                      "id": 3
                    },
                    "stderr": {
                      "type": "bool",
                      "id": 4
                    },
                    "tty": {
                      "type": "bool",
                      "id": 5
                    }
                  }
                },
                "AttachRequest": {
                  "fields": {
                    "stdin": {
                      "type": "bool",
                      "id": 1
                    },
                    "stdout": {
                      "type": "bool",
                      "id": 2
                    },
                    "stderr": {
                      "type": "bool",
                      "id": 3
                    },
                    "tty": {
                      "type": "bool",
                      "id": 4
                    }
                  }
                },
                "ImageRequest": {
                  "fields": {
                    "verb": {
                      "type": "string",
                      "id": 1
                    },
                    "images": {
                      "rule": "repeated",
                      "type": "string",
                      "id": 2
                    },
                    "target": {
                      "type": "string",
                      "id": 3
                    },
                    "credentials": {
                      "type": "bool",
                      "id": 4
                    },
                    "always": {
                      "type": "bool",
                      "id": 5
                    },
                    "pin": {
                      "type": "bool",
                      "id": 6
                    },
                    "unusedForMillis": {
                      "type": "int64",
                      "id": 7
                    },
                    "configJson": {
                      "type": "bytes",
                      "id": 8
                    },
                    "fromNode": {
                      "type": "string",
                      "id": 9
                    },
                    "fromAddress": {
                      "type": "string",
                      "id": 10
                    }
                  }
                },
                "Frame": {
                  "fields": {
                    "streamId": {
                      "type": "string",
                      "id": 1
                    },
                    "channel": {
                      "type": "uint32",
                      "id": 2
                    },
                    "payload": {
                      "type": "bytes",
                      "id": 3
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }
};

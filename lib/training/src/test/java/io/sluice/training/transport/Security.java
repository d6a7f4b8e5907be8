package io.sluice.training.transport;

import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import scala.Option;

/** What Spark can be told about the connections of an application. */
public enum Security {
  NONE,
  SASL,
  SASL_ENCRYPTED,
  CRYPTO_CTR,
  CRYPTO_GCM;

  public TransportSettings settings() {
    return settings("a secret of thirty-two characters");
  }

  /** Those of a process on this machine whose application has a secret. */
  public TransportSettings settings(String secret) {
    SparkConf conf = new SparkConf(false);
    if (this != NONE) {
      conf.set("spark.authenticate", "true").set("spark.authenticate.secret", secret);
    }
    switch (this) {
      case NONE, SASL -> {}
      case SASL_ENCRYPTED -> conf.set("spark.authenticate.enableSaslEncryption", "true");
      case CRYPTO_CTR -> conf.set("spark.network.crypto.enabled", "true");
      case CRYPTO_GCM ->
          conf.set("spark.network.crypto.enabled", "true")
              .set("spark.network.crypto.cipher", "AES/GCM/NoPadding")
              .set("spark.network.crypto.authEngineVersion", "2");
    }
    var security =
        new SecurityManager(conf, Option.empty(), SecurityManager.$lessinit$greater$default$3());
    return TransportSettings.of(conf, security, "127.0.0.1");
  }
}

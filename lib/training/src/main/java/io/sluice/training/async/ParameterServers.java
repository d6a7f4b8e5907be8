package io.sluice.training.async;

import org.nd4j.parameterserver.distributed.v2.ModelParameterServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** ND4J's parameter server, of which a process has one. */
final class ParameterServers {
  private static final Logger LOG = LoggerFactory.getLogger(ParameterServers.class);

  private ParameterServers() {}

  /** Stops the process's server, however far it came, and its transport. */
  static void shutDown(UdpTransport transport) {
    try {
      ModelParameterServer.getInstance().shutdown();
    } catch (RuntimeException e) {
      LOG.debug("The parameter server had not started", e);
    } finally {
      transport.shutdown();
    }
  }
}

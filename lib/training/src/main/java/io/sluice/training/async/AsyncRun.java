package io.sluice.training.async;

import java.io.Serializable;
import org.deeplearning4j.optimize.solvers.accumulation.encoding.ResidualPostProcessor;
import org.deeplearning4j.optimize.solvers.accumulation.encoding.ThresholdAlgorithm;
import org.deeplearning4j.optimize.solvers.accumulation.encoding.residual.ResidualClippingPostProcessor;
import org.deeplearning4j.optimize.solvers.accumulation.encoding.threshold.AdaptiveThresholdAlgorithm;
import org.nd4j.parameterserver.distributed.conf.VoidConfiguration;
import org.nd4j.parameterserver.distributed.v2.transport.impl.StaticPortSupplier;

/**
 * What the processes of a run have in common.
 *
 * @param id keeps runs in one executor apart
 * @param driver where the driver listens
 * @param streamId Aeron's name for the run's traffic
 * @param networks builds a worker's network
 * @param settings of the run
 */
record AsyncRun(
    String id, Endpoint driver, int streamId, NetworkSource networks, AsyncSettings settings)
    implements Serializable {

  VoidConfiguration configuration(Endpoint own) {
    var configuration =
        VoidConfiguration.builder()
            .streamId(streamId)
            .portSupplier(new StaticPortSupplier(own.port()))
            .controllerAddress(driver.address())
            .build();
    configuration.setUnicastControllerPort(driver.port());
    return configuration;
  }

  /**
   * @param parameters of the network; an update has 2 bits for each, or a number for some of them,
   *     and a restarted worker may ask for all
   */
  UdpTransport transport(Endpoint own, long parameters) {
    long messageLimit = 8 * parameters + (1 << 20);
    return new UdpTransport(
        own, driver, configuration(own), settings.handshakeTimeout(), messageLimit);
  }

  ThresholdAlgorithm thresholds() {
    return new AdaptiveThresholdAlgorithm(settings.threshold());
  }

  static ResidualPostProcessor residuals() {
    return new ResidualClippingPostProcessor(5, 5);
  }
}

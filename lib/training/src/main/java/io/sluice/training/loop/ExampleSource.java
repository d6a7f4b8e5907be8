package io.sluice.training.loop;

import io.sluice.recurrent.model.ModelSpec;
import java.io.Serializable;
import org.apache.hadoop.conf.Configuration;

/** Opens examples where they are needed: on the driver, or in a worker on an executor. */
public interface ExampleSource extends Serializable {

  /** See {@link ExampleSet#carriesStates}; known before they are opened. */
  default boolean carriesStates() {
    return false;
  }

  /**
   * @param spec of the network that takes them
   * @throws io.sluice.failure.InvalidInputException if it does not fit them
   */
  ExampleSet examples(Configuration hadoop, ModelSpec spec);
}

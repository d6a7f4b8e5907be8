package io.sluice.recurrent.cuda;

import org.bytedeco.javacpp.Pointer;

/** An address on the device, as a call takes it. It owns nothing. */
final class DevicePointer extends Pointer {
  DevicePointer(long address) {
    this.address = address;
  }
}

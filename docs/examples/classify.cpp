// Classify one picture with an exported model: classify model.onnx picture.rgb
// picture.rgb holds the 224 x 224 x 3 bytes of the picture, already cropped and resized.

#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include <openvino/openvino.hpp>

int main(int, char** argv) {
    ov::Core core;
    auto model = core.compile_model(argv[1], "CPU", ov::hint::inference_precision(ov::element::f32));
    auto request = model.create_infer_request();

    std::ifstream file(argv[2], std::ios::binary);
    std::vector<unsigned char> pixels{std::istreambuf_iterator<char>(file), {}};
    ov::Tensor picture(ov::element::u8, model.input("picture").get_shape(), pixels.data());
    if (pixels.size() != picture.get_size()) {
        std::cerr << argv[2] << ": " << picture.get_size() << " bytes are needed\n";
        return 1;
    }
    request.set_tensor("picture", picture);
    request.infer();

    auto label = request.get_tensor("label").data<int64_t>()[0];
    std::cout << label << " " << request.get_tensor("probabilities").data<float>()[label] << " "
              << (request.get_tensor("unknown").data<char>()[0] ? "unknown" : "known") << "\n";
}
